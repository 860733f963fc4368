#!/bin/sh
# BusyBox's adduser and addgroup as a Dockerfile of Alpine's calls them, by Debian's useradd and
# groupadd. Options: BusyBox 1.36, adduser --help and addgroup --help.
set -eu
called=${0##*/}
system= user_id= group_id= group= home= shell=/bin/sh gecos='Linux User,,,' made=-m
long=home:,gecos:,shell:,ingroup:,system,disabled-password,empty-password,no-create-home,uid:
words=$(getopt -o DHSG:g:h:k:s:u: -l "$long,skel:,gid:" -n "$called" -- "$@")
eval set -- "$words"
while [ "$1" != -- ]; do
    case "$1" in
        -S | --system) system=-r ;;
        -H | --no-create-home) made=-M ;;
        -D | --disabled-password | --empty-password) ;;
        *) # with a value
            case "$1" in
                -u | --uid) user_id=$2 ;;
                -g | --gecos | --gid) group_id=$2 gecos=$2 ;; # addgroup's number, adduser's words
                -G | --ingroup) group=$2 ;;
                -h | --home) home=$2 ;;
                -s | --shell) shell=$2 ;;
            esac
            shift
            ;;
    esac
    shift
done
shift
name=${1:?a name is missing}
if [ "$#" -gt 1 ]; then # adduser USER GROUP, addgroup USER GROUP: into a group that is there
    exec usermod -aG "$2" "$name"
fi
if [ "$called" = addgroup ]; then
    exec groupadd $system ${group_id:+-g "$group_id"} "$name"
fi
if [ -z "$group" ]; then # a group of the same name; of a system's user none
    if [ -n "$system" ]; then group=nogroup; else
        groupadd ${user_id:+-g "$user_id"} "$name"
        group=$name
    fi
fi
exec useradd $system $made -d "${home:-/home/$name}" -s "$shell" -c "$gecos" -g "$group" \
    ${user_id:+-u "$user_id"} "$name"
