#!/bin/sh
# The image's HEALTHCHECK: asks each service that this container runs, by `popshop healthcheck`.
#
# One image runs any of the services, so the names are read from the command line the container was started with: that
# of process 1, or of the one that `docker run --init` put there in front of it. A variable beside the argument could
# only say the same, or something else.
#
# The first argument is the file to read instead of /proc/1/cmdline; tests use it.
set -eu

# Arguments are parted by NUL; none of those that matter here has a space in it.
# shellcheck disable=SC2046
set -- $(tr '\000' '\n' < "${1:-/proc/1/cmdline}")

# Up to popshop's own arguments.
while [ $# -gt 0 ]; do
    case $1 in
        popshop | */popshop) shift; break ;;
        *) shift ;;
    esac
done

# `popshop` alone is `popshop demo`.
case ${1:-demo} in
    serve) shift; services='' ;;
    demo | -*) services='load-generator recommendation cart product-catalog checkout ad currency shipping console' ;;
    # migrate, sync and the rest serve nothing that could be asked.
    *) exit 0 ;;
esac

host=127.0.0.1 offset=0
while [ $# -gt 0 ]; do
    case $1 in
        --host) host=$2; shift ;;
        --host=*) host=${1#*=} ;;
        --port-offset) offset=$2; shift ;;
        --port-offset=*) offset=${1#*=} ;;
        --data-dir | --traffic | --mode | --seed) shift ;;
        -* | demo) ;;
        *) services="$services $1" ;;
    esac
    shift
done

# Who listens everywhere answers on loopback.
case $host in
    0.0.0.0 | ::) host=127.0.0.1 ;;
esac

for service in $services; do
    popshop healthcheck "$service" --host "$host" --port-offset "$offset"
done
