#!/bin/sh
# Builds the one image of every service, and on request tags and pushes it to a registry.
set -eu

usage() {
    cat <<'USAGE'
Usage: build-images.sh [OPTION]…

Builds docker/Dockerfile. One image runs every service, the console and the migration; which one is its argument.

  --name NAME        the image's name (popshop)
  --tag TAG          its tag (1.0.0)
  --platform LIST    such as linux/amd64,linux/arm64; more than one needs --push (this machine's)
  --push             push NAME:TAG, where NAME begins with a registry
  --ecr ACCOUNT      tag and push to that AWS account's Elastic Container Registry, logging in by the AWS CLI
  --region REGION    of that registry ($AWS_REGION)
  --create           make the repository there if it is missing
  --dry-run          print the commands and run none
  --help             this

It stops at the first error. The last line names what was built, and where it was pushed.
USAGE
}

misused() {
    echo "build-images.sh: $1" >&2
    exit 64
}

# Says a command, and runs it.
run() {
    echo "+ $*"
    [ -n "$dry" ] || "$@" || { code=$?; echo "build-images.sh: stopped, since this failed with $code: $*" >&2; exit 1; }
}

name=popshop tag=1.0.0 platform='' push='' account='' region=${AWS_REGION:-} create='' dry=''
while [ $# -gt 0 ]; do
    case $1 in
        --help) usage; exit 0 ;;
        --name | --tag | --platform | --ecr | --region)
            { [ $# -ge 2 ] && [ -n "$2" ]; } || misused "$1 needs a value."
            case $1 in
                --name) name=$2 ;;
                --tag) tag=$2 ;;
                --platform) platform=$2 ;;
                --ecr) account=$2 ;;
                --region) region=$2 ;;
            esac
            shift
            ;;
        --push) push=1 ;;
        --create) create=1 ;;
        --dry-run) dry=1 ;;
        *) misused "there is no option $1." ;;
    esac
    shift
done
case $tag in *[!A-Za-z0-9_.-]*) misused "--tag is letters, digits, dots, dashes and underscores." ;; esac
case $name in *[!a-z0-9_./:-]*) misused "--name is lower-case letters, digits and ._-/:" ;; esac

registry=''
if [ -n "$account" ]; then
    case $account in
        *[!0-9]*) misused "--ecr is the account's twelve digits." ;;
    esac
    [ ${#account} = 12 ] || misused "--ecr is the account's twelve digits."
    [ -n "$region" ] || misused "--ecr needs --region or AWS_REGION."
    case $name in *.*/*) misused "--name is the repository alone when --ecr is given." ;; esac
    registry=$account.dkr.ecr.$region.amazonaws.com
    push=1
fi
[ -z "$create" ] || [ -n "$account" ] || misused "--create needs --ecr."
case $platform in *,*) [ -n "$push" ] || misused "several platforms need --push: an engine keeps one." ;; esac
if [ -n "$push" ] && [ -z "$registry" ]; then
    case $name in */*) ;; *) misused "--push needs a --name that begins with a registry, or --ecr." ;; esac
fi

root=$(cd "$(dirname "$0")/.." && pwd)
image=${registry:+$registry/}$name:$tag
revision=$(git -C "$root" rev-parse HEAD 2> /dev/null || echo unknown)
if [ "$revision" != unknown ] && [ -n "$(git -C "$root" status --porcelain 2> /dev/null)" ]; then
    revision=$revision-modified
fi

if [ -z "$dry" ]; then
    command -v docker > /dev/null || misused "docker is not installed."
    docker buildx version > /dev/null 2>&1 || misused "docker has no buildx, which the Dockerfile's cache mounts need."
    [ -z "$account" ] || command -v aws > /dev/null || misused "--ecr needs the AWS CLI."
fi

if [ -n "$registry" ]; then
    if [ -n "$create" ]; then
        echo "+ aws ecr describe-repositories --region $region --repository-names $name || aws ecr create-repository …"
        if [ -z "$dry" ] && ! aws ecr describe-repositories --region "$region" --repository-names "$name" > /dev/null 2>&1; then
            run aws ecr create-repository --region "$region" --repository-name "$name" \
                --image-scanning-configuration scanOnPush=true
        fi
    fi
    # The password goes from one to the other, and into no argument.
    echo "+ aws ecr get-login-password --region $region | docker login --username AWS --password-stdin $registry"
    if [ -z "$dry" ]; then
        password=$(aws ecr get-login-password --region "$region") || { echo "build-images.sh: AWS gives no password." >&2; exit 1; }
        printf '%s' "$password" | docker login --username AWS --password-stdin "$registry" ||
            { echo "build-images.sh: the registry refuses the login." >&2; exit 1; }
    fi
fi

where=--load
[ -z "$push" ] || where=--push
set -- docker buildx build --file "$root/docker/Dockerfile" --tag "$image" \
    --build-arg "VERSION=$tag" --build-arg "REVISION=$revision" "$where"
[ -z "$platform" ] || set -- "$@" --platform "$platform"
run "$@" "$root"

if [ -n "$dry" ]; then echo "nothing was done: this was a dry run of $image"; exit 0; fi
if [ -n "$push" ]; then echo "built and pushed $image"; else echo "built $image"; fi
