#!/bin/sh
# Proves what the Dockerfile runs where there is no container engine.
set -eu

usage() {
    cat <<'USAGE'
Usage: prove-image.sh [OPTION]… BINARY

Makes a minimal Debian root with exactly the packages that the Dockerfile names, does what its step does beyond that, puts
the binary in it, and runs `popshop serve currency` there as a container would: its own mounts, processes and network, the root read-only
but for a tmpfs on /data, as the image's numeric user, without capabilities. Then it asks for /health from inside, runs
the image's health check, ends the service by the image's stop signal, and prints the size of the root.

Needs root, debootstrap, binutils, iproute2, and util-linux's unshare, nsenter and setpriv. BINARY is a release build of popshop with
--static-swift-stdlib; a copy of it is stripped, as in the image. Exits 0 only if everything holds.

  --max-mb N       the most the root may take (150)
  --mirror URL     Debian's archive, if not the one that debootstrap takes by itself
  --serve COMMAND  run this in the root instead of `popshop serve currency`, with --ask
  --ask COMMAND    what must exit 0 there, instead of `popshop healthcheck currency`; the two try the script itself with
                   another program as BINARY, which is found there by its own name
  --help           this
USAGE
}

# A command that cannot be understood: 64, as popshop itself has it.
misused() {
    echo "prove-image.sh: $1" >&2
    exit 64
}

fail() {
    echo "prove-image.sh: $1" >&2
    [ ! -s "${work:-}/output" ] || sed 's/^/    | /' "$work/output" >&2
    exit 1
}

max_mb=150 mirror='' binary='' serve='' ask=''
while [ $# -gt 0 ]; do
    case $1 in
        --help) usage; exit 0 ;;
        --max-mb | --mirror | --serve | --ask)
            [ $# -ge 2 ] || misused "$1 needs a value."
            case $1 in
                --max-mb) max_mb=$2 ;;
                --mirror) mirror=$2 ;;
                --serve) serve=$2 ;;
                --ask) ask=$2 ;;
            esac
            shift
            ;;
        -*) misused "there is no option $1." ;;
        *) [ -z "$binary" ] || misused "one binary only."; binary=$1 ;;
    esac
    shift
done
[ -n "$binary" ] || misused "the binary is missing; --help says more."
[ -f "$binary" ] || misused "there is no file $binary."
[ -z "$serve" ] || [ -n "$ask" ] || misused "--serve needs --ask."
[ "$(id -u)" = 0 ] || fail "it has to be root, for mounts and chroot."
for tool in debootstrap unshare nsenter setpriv strip ip; do
    command -v "$tool" > /dev/null || fail "$tool is not installed."
done

here=$(cd "$(dirname "$0")" && pwd)

# What the Dockerfile says: the stage that makes the root, and the one that runs; continued lines joined.
text=$(grep -v '^#' "$here/Dockerfile" | sed -e ':a' -e '/\\$/N' -e 's/\\\n//' -e 'ta')
release=$(echo "$text" | sed -n 's/^FROM debian:\([a-z]*\)-.* AS root$/\1/p')
step=$(echo "$text" | sed -n '/ AS root$/,/^FROM /s/^RUN //p')
packages=$(echo "$step" | sed -n 's/.*apt-get install -y --no-install-recommends \([^&]*\)&&.*/\1/p' | tr -s ' ' ',' | sed 's/^,//; s/,$//')
# What the step does once the packages are there.
rest=$(echo "$step" | sed -n 's/.*apt-get install [^&]*&& *//p')
user=$(echo "$text" | sed -n '/ AS runtime$/,$s/^USER //p')
signal=$(echo "$text" | sed -n '/ AS runtime$/,$s/^STOPSIGNAL SIG//p')
for found in "$release" "$packages" "$rest" "$user" "$signal"; do
    [ -n "$found" ] || fail "the Dockerfile has no release, packages and what follows them in its stage root, or no USER and STOPSIGNAL."
done
case $user in
    *[!0-9:]* | 0:* | *:0 | *:*:*) fail "USER $user is not a number other than root's, with a group." ;;
esac
uid=${user%:*} gid=${user#*:}

work=$(mktemp -d)
root=$work/root
keeper=''
cleanup() {
    # The service is process 1 of its own namespace: with it go all others there, and with them every mount, which only
    # that namespace has seen.
    [ -z "$keeper" ] || { kill -KILL "$keeper" 2> /dev/null && wait "$keeper" 2> /dev/null; } || true
    if grep -q " $work/" /proc/self/mounts; then
        echo "prove-image.sh: something is still mounted below $work, which is left as it is." >&2
    else
        rm -rf "$work"
    fi
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

echo "Debian $release, minimal, with $packages"
# shellcheck disable=SC2086
debootstrap --variant=minbase --include="$packages" "$release" "$root" $mirror > "$work/output" 2>&1 ||
    fail "debootstrap has failed."
# debootstrap mounts /proc while it works.
if grep -q " $root/proc " /proc/self/mounts; then umount "$root/proc"; fi
: > "$work/output"

# What the slim variant of Debian's image leaves out, and then the image's own step.
for folder in doc man info groff lintian linda locale; do
    rm -rf "${root:?}/usr/share/$folder"/*
done
chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin sh -c "set -e; $rest" \
    > "$work/output" 2>&1 || fail "the Dockerfile's step fails after its packages are installed."
: > "$work/output"
install -m 755 "$binary" "$root/usr/local/bin/popshop"
strip "$root/usr/local/bin/popshop"
[ -z "$serve" ] || ln -s popshop "$root/usr/local/bin/$(basename "$binary")"
install -m 755 "$here/healthcheck.sh" "$root/usr/local/bin/popshop-healthcheck"

size=$(du -sm --apparent-size "$root" | cut -f 1)
echo "size: $size MB, of it the binary $(du -sm --apparent-size "$root/usr/local/bin/popshop" | cut -f 1) MB"
[ "$size" -lt "$max_mb" ] || fail "the root takes $size MB; it must be less than $max_mb MB."

if [ -z "$serve" ]; then
    # Nothing that the packages do not have may be missing, whether or not this run comes upon it.
    chroot "$root" ldd /usr/local/bin/popshop > "$work/output" || fail "ldd cannot read the binary."
    if grep -q 'not found' "$work/output"; then fail "the binary needs libraries that no package of the image has."; fi
    : > "$work/output"
fi

# In the container: mounts, then no way back to root. What is run keeps process id 1.
cat > "$work/init" <<'INIT'
set -eu
root=$1 uid=$2 gid=$3
shift 3
ip link set lo up
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o nosuid,nodev,mode=700,uid="$uid",gid="$gid" tmpfs "$root/data"
mount -t tmpfs -o nosuid,mode=755 tmpfs "$root/dev"
for device in null zero random urandom; do
    : > "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mount -o remount,bind,ro "$root"
# chroot would take the old root along as a way out; it is a proof and no jail.
exec chroot "$root" env -i PATH=/usr/local/bin:/usr/bin:/bin POPSHOP_DATA_DIR=/data \
    setpriv --reuid "$uid" --regid "$gid" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
    sh -c 'cd /data && exec "$@"' sh "$@"
INIT

# shellcheck disable=SC2086
unshare --mount --pid --net --ipc --fork --kill-child sh "$work/init" "$root" "$uid" "$gid" \
    ${serve:-popshop serve currency} > "$work/output" 2>&1 &
keeper=$!

# As `docker exec` does: another process in the same namespaces, as the same user.
inside() {
    pid=$(tr -d ' ' 2> /dev/null < "/proc/$keeper/task/$keeper/children")
    [ -n "$pid" ] || return 1
    nsenter --target "$pid" --mount --pid --net --ipc --root="/proc/$pid/root" --wd="/proc/$pid/root/data" \
        env -i PATH=/usr/local/bin:/usr/bin:/bin POPSHOP_DATA_DIR=/data \
        setpriv --reuid "$uid" --regid "$gid" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
}

tries=0
# shellcheck disable=SC2086
until answer=$(inside ${ask:-popshop healthcheck currency} 2>&1); do
    tries=$((tries + 1))
    kill -0 "$keeper" 2> /dev/null || fail "the service ended by itself."
    [ "$tries" -lt 50 ] || fail "it did not become healthy within ten seconds: $answer"
    sleep 0.2
done
echo "from inside: $answer"

if [ -z "$serve" ]; then
    inside popshop-healthcheck > "$work/answer" 2>&1 || fail "the image's health check failed: $(cat "$work/answer")"
    echo "the image's HEALTHCHECK: $(cat "$work/answer")"
fi

status=$(inside cat /proc/1/status)
echo "$status" | grep -q "^Uid:[[:space:]]${uid}[[:space:]]${uid}[[:space:]]${uid}[[:space:]]" || fail "it does not run as $uid."
echo "$status" | grep -q '^CapEff:[[:space:]]*0*$' || fail "it has capabilities."
echo "process 1 there is $(inside cat /proc/1/comm), user $uid, without capabilities"
for path in / /tmp /var/tmp /usr/local/bin; do
    if inside sh -c ": > '$path/proof'" 2> /dev/null; then fail "$path can be written."; fi
done
if nsenter --target "$pid" --mount --root="/proc/$pid/root" sh -c ': > /proof' 2> /dev/null; then
    fail "the root file system is not read-only."
fi
echo "written: /data only: $(inside sh -c 'ls -A /data' | tr '\n' ' ')"

if [ -z "$serve" ]; then
    # From outside, as an engine does. Process 1 only gets a signal that it has asked for.
    kill -s "$signal" "$pid"
    tries=0
    while kill -0 "$keeper" 2> /dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 50 ] || fail "it did not end within ten seconds of SIG$signal."
        sleep 0.2
    done
    code=0
    wait "$keeper" || code=$?
    keeper=''
    [ "$code" = 0 ] || fail "SIG$signal ended it with status $code instead of 0."
    echo "SIG$signal: it ended with status 0"
fi
echo "the runtime stage holds"
