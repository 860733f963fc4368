#!/bin/sh
# The numbers of the layers that containerd will never write again, as root on a machine; nothing and
# an error when that cannot be told. A layer is written until it is committed, and its number is not
# said of one that is: so all that were there before, without those that are written.
set -eu
layers=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots
[ -d "$layers" ] || exit 0
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
ls "$layers" | sort >"$work/all"
ctr namespaces list --quiet >"$work/namespaces"
while read -r namespace; do
    ctr --namespace "$namespace" snapshots list >"$work/listed"
    awk 'NR > 1 && $NF != "Committed" { print $1 }' "$work/listed" >"$work/keys"
    while read -r key; do
        ctr --namespace "$namespace" snapshots mounts / "$key" >>"$work/mounts" </dev/null
    done <"$work/keys"
done <"$work/namespaces"
touch "$work/mounts"
sed -nE "s|.*upperdir=[^,]*/snapshots/([0-9]+)/fs.*|\1|p; s|^mount -t bind [^ ]*/snapshots/([0-9]+)/fs .*|\1|p" \
    "$work/mounts" | sort >"$work/written"
comm -23 "$work/all" "$work/written" | tr '\n' ' '
