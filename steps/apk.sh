#!/bin/sh
# Alpine's package manager as a Dockerfile calls it, where Debian stands in for Alpine: packages of
# Debian's that serve the same purpose. What a package is called there is Alpine's to say
# (pkgs.alpinelinux.org); only names that differ are listed.
set -eu
debian=/usr/share/labkit/debian
command= wanted= value=
for word in "$@"; do
    if [ -n "$value" ]; then
        value=
        continue
    fi
    case "$word" in
        -t | --virtual | -X | --repository | -p | --root) value=next ;;
        -*) ;;
        *) if [ -z "$command" ]; then command=$word; else wanted="$wanted ${word%%[=<>~@]*}"; fi ;;
    esac
done
case "$command" in
    add) ;;
    update | upgrade | del | fix | cache | info | search | version) exit 0 ;;
    *)
        echo "ERROR: '$command' is not an apk command" >&2
        exit 1
        ;;
esac
names=
for name in $wanted; do
    case "$name" in
        build-base) name=build-essential ;;
        cyrus-sasl-dev) name=libsasl2-dev ;;
        jpeg-dev) name=libjpeg-dev ;;
        libxslt-dev) name=libxslt1-dev ;;
        linux-headers) name=linux-libc-dev ;;
        mariadb-connector-c-dev | mariadb-dev) name=libmariadb-dev ;;
        musl-dev) name=libc6-dev ;;
        openldap-dev) name=libldap2-dev ;;
        libressl-dev | openssl-dev) name=libssl-dev ;;
        postgresql-dev) name=libpq-dev ;;
        py3-pip | py-pip) name=python3-pip ;;
        py3-*) name=python3-${name#py3-} ;;
        python2-dev | python-dev) name=python-dev ;;
        shadow) name=passwd ;;
        zlib-dev) name=zlib1g-dev ;;
    esac
    dpkg -s "$name" > /dev/null 2>&1 || names="$names $name"
done
[ -n "$names" ] || exit 0
$debian/apt-get update -q
for name in $names; do
    $debian/apt-cache show "$name" > /dev/null 2>&1 || {
        echo "ERROR: $name (no such package)" >&2
        exit 1
    }
done
DEBIAN_FRONTEND=noninteractive $debian/apt-get install -qy --no-install-recommends $names
