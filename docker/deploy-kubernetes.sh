#!/bin/sh
# Puts PopShop into a Kubernetes cluster, or brings what is there up to date.
set -eu

usage() {
    cat <<'USAGE'
Usage: deploy-kubernetes.sh [OPTION]…

Applies an overlay of docker/kubernetes to the namespace ecommerce-demo, waits for the migration and for every service.

  --overlay NAME     self-contained (the default; Postgres and Redis in the cluster) or managed (databases elsewhere)
  --image IMAGE      such as registry.example.com/popshop:1.0.0 (popshop:1.0.0)
  --ecr ACCOUNT      the image popshop in that AWS account's registry; with --region and --tag
  --region REGION    of that registry ($AWS_REGION)
  --tag TAG          with --ecr (1.0.0)
  --context NAME     the cluster, as kubectl config knows it (the current one)
  --timeout SECONDS  for the migration, and for each service (300)
  --keep-secrets     leave the Secrets as they are: a secret manager has made them
  --dry-run          print what would be applied, secrets left out, and change nothing
  --help             this

Secrets are made from the environment, and from what the cluster has already for what is not set there:
  POPSHOP_ADMIN_TOKEN, always; POSTGRES_PASSWORD, with self-contained; DATABASE_URL and REDIS_URL, with managed;
  CX_TOKEN, optional, the console's alone.

It stops at the first error and says what had been done by then.
USAGE
}

misused() {
    echo "deploy-kubernetes.sh: $1" >&2
    exit 64
}

finished='nothing'
fail() {
    echo "deploy-kubernetes.sh: $1" >&2
    echo "deploy-kubernetes.sh: stopped; done so far: $finished" >&2
    exit 1
}

completed() {
    echo "$1"
    if [ "$finished" = nothing ]; then finished=$1; else finished="$finished; $1"; fi
}

overlay=self-contained image=popshop:1.0.0 account='' region=${AWS_REGION:-} tag='' context='' timeout=300 keep='' dry=''
while [ $# -gt 0 ]; do
    case $1 in
        --help) usage; exit 0 ;;
        --overlay | --image | --ecr | --region | --tag | --context | --timeout)
            { [ $# -ge 2 ] && [ -n "$2" ]; } || misused "$1 needs a value."
            case $1 in
                --overlay) overlay=$2 ;;
                --image) image=$2 ;;
                --ecr) account=$2 ;;
                --region) region=$2 ;;
                --tag) tag=$2 ;;
                --context) context=$2 ;;
                --timeout) timeout=$2 ;;
            esac
            shift
            ;;
        --keep-secrets) keep=1 ;;
        --dry-run) dry=1 ;;
        *) misused "there is no option $1." ;;
    esac
    shift
done

here=$(cd "$(dirname "$0")" && pwd)
namespace=ecommerce-demo
case $overlay in
    self-contained) required='POPSHOP_ADMIN_TOKEN POSTGRES_PASSWORD' ;;
    managed) required='POPSHOP_ADMIN_TOKEN DATABASE_URL REDIS_URL' ;;
    *) misused "--overlay is self-contained or managed." ;;
esac
case $timeout in *[!0-9]*) misused "--timeout is a number of seconds." ;; esac
if [ -n "$account" ]; then
    case $account in *[!0-9]*) misused "--ecr is the account's twelve digits." ;; esac
    [ ${#account} = 12 ] || misused "--ecr is the account's twelve digits."
    [ -n "$region" ] || misused "--ecr needs --region or AWS_REGION."
    image=$account.dkr.ecr.$region.amazonaws.com/popshop:${tag:-1.0.0}
elif [ -n "$tag" ]; then
    misused "--tag needs --ecr; with --image it is the image's own end."
fi
case $image in
    *[!A-Za-z0-9_.:/@-]*) misused "--image has a character that no image has." ;;
    *:*) ;;
    *) misused "--image needs a tag." ;;
esac

command -v kubectl > /dev/null || misused "kubectl is not installed."
cluster() { kubectl ${context:+--context "$context"} "$@"; }

# The overlays name popshop:TAG, and no other image has that name.
manifests=$(kubectl kustomize "$here/kubernetes/overlays/$overlay") || fail "the overlay $overlay cannot be rendered."
manifests=$(printf '%s\n' "$manifests" | sed "s#image: popshop:.*#image: $image#")

if [ -n "$dry" ]; then
    printf '%s\n' "$manifests"
    exit 0
fi

[ -n "$context" ] || context=$(kubectl config current-context 2> /dev/null) || fail "kubectl has no cluster; name one by --context."
echo "cluster $context, namespace $namespace, overlay $overlay, image $image"

# Prints the key of a Secret with the value of the variable of that name, if there is one. Values travel by pipes alone:
# an argument can be read by every user of this machine.
secret_key() {
    value=$(printenv "$1" || true)
    [ -n "$value" ] || return 0
    printf '  %s: %s\n' "$1" "$(printf '%s' "$value" | base64 | tr -d '\n')"
}

# Whether a setting has changed that running pods do not look at again.
restart=''

# apply_secret NAME VARIABLE… : keys that are not in the environment stay as the cluster has them.
apply_secret() {
    secret=$1
    shift
    keys=$(for variable in "$@"; do secret_key "$variable"; done)
    [ -n "$keys" ] || return 0
    if cluster --namespace "$namespace" get secret "$secret" > /dev/null 2>&1; then
        # As JSON: {"data":{"KEY":"BASE64",…}}.
        patch=$(printf '%s\n' "$keys" | sed 's/^  \([A-Z_]*\): \(.*\)$/"\1":"\2"/' | tr '\n' ',' | sed 's/,$//')
        said=$(printf '{"data":{%s}}' "$patch" |
            cluster --namespace "$namespace" patch secret "$secret" --type merge --patch-file /dev/stdin) || return 1
        case $said in *'no change'*) ;; *) restart=1 ;; esac
    else
        printf 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\ntype: Opaque\ndata:\n%s\n' "$secret" "$keys" |
            cluster --namespace "$namespace" create -f - > /dev/null
    fi
}

cluster apply -f "$here/kubernetes/base/namespace.yaml" || fail "the namespace cannot be made."
completed "the namespace $namespace"

if [ -z "$keep" ]; then
    # shellcheck disable=SC2086
    apply_secret popshop $required || fail "the Secret popshop cannot be written."
    apply_secret popshop-uplink CX_TOKEN || fail "the Secret popshop-uplink cannot be written."
fi
for variable in $required; do
    there=$(cluster --namespace "$namespace" get secret popshop --output "jsonpath={.data.$variable}" 2> /dev/null || true)
    [ -n "$there" ] || fail "the Secret popshop has no $variable; set it in the environment."
done
if [ -z "$keep" ]; then completed "the secrets"; else completed "the secrets, which were there"; fi

# A Job's pod cannot be changed.
cluster --namespace "$namespace" delete job migrate --ignore-not-found --wait || fail "the last migration cannot be removed."
applied=$(printf '%s\n' "$manifests" | cluster apply -f -) || fail "the manifests were not all taken: $applied"
printf '%s\n' "$applied"
if printf '%s\n' "$applied" | grep -q '^configmap/.* configured'; then restart=1; fi
completed "the manifests"

cluster --namespace "$namespace" wait --for condition=complete job/migrate --timeout "${timeout}s" ||
    fail "the migration did not finish; see: kubectl --namespace $namespace logs job/migrate"
completed "the migration"

if [ -n "$restart" ]; then
    cluster --namespace "$namespace" rollout restart deployment,statefulset --selector app.kubernetes.io/part-of=popshop ||
        fail "what runs cannot be restarted for its new settings."
    completed "a restart for changed settings"
fi

for workload in deployment/product-catalog deployment/cart deployment/checkout deployment/recommendation deployment/ad \
    deployment/currency deployment/shipping deployment/load-generator statefulset/console; do
    cluster --namespace "$namespace" rollout status "$workload" --timeout "${timeout}s" ||
        fail "$workload is not ready; see: kubectl --namespace $namespace describe $workload"
done
completed "every service is ready"

echo "PopShop runs. To see it here: kubectl --namespace $namespace port-forward service/console 8000:8000"
