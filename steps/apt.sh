#!/bin/sh
# apt as a Dockerfile calls it, where the lab's image of Python stands in for a bare Debian or
# Ubuntu: Python and pip are out of sight until they are installed. `hide` is said once.
set -eu
hidden=/usr/share/labkit/hidden

keep() {
    mkdir -p "$hidden/$1${2%/*}"
    mv "$2" "$hidden/$1$2"
}

show() {
    [ -d "$hidden/$1" ] || return 0
    cp -a "$hidden/$1/." /
    rm -r "${hidden:?}/$1"
    # Debian's mark, since its release 12 and Ubuntu's 23.04: no pip beside apt (PEP 668).
    if [ "$1" = python ] && [ -e "$hidden/managed" ]; then
        printf '[externally-managed]\nError=This environment is externally managed\n' \
            > "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')/EXTERNALLY-MANAGED"
    fi
}

if [ "${1:-}" = hide ]; then
    mkdir -p "$hidden"
    rm -f /usr/local/bin/python* # no distribution has any there
    # Nor other releases' names for one folder: what is in it would be kept under the first of them.
    find /usr/local/lib -maxdepth 1 -name 'python3*' -type l -delete
    for path in /usr/bin/pip* /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/pip* \
                /usr/lib/python3/dist-packages/pip*; do
        [ ! -e "$path" ] || keep pip "$path"
    done
    [ ! -e /usr/bin/python ] || keep plain /usr/bin/python
    for path in /usr/bin/python3*; do
        keep python "$path"
    done
    exit
fi

is_old=
[ ! -e /etc/apt/sources.list.d/archived.list ] || is_old=yes
installs= left=$#
while [ "$left" -gt 0 ]; do
    word=$1
    left=$((left - 1))
    shift
    case "$word" in install) installs=yes ;; esac
    # In the place of a release's own names, those of Debian 13's.
    case "$is_old$word" in
        yespython | yespython2 | yespython2.7 | yespython-minimal) word=python-is-python3 ;;
    esac
    case "$installs$word" in
        yespython3.[0-9]*)
            version=${word%%-*}
            show python
            ln -sf python3 "/usr/bin/$version"
            word=python3${word#"$version"}
            ;;
        yespython* | yes*py3* | yesgunicorn* | yessoftware-properties-common | yessupervisor \
            | yesuwsgi*) show python ;;
    esac
    case "$installs$word" in yespython-* | yespython2*) show plain ;; esac
    case "$installs$word" in yespython*-pip | yespython3-full) show pip ;; esac
    set -- "$@" "$word"
done
exec "/usr/bin/${0##*/}" "$@"
