#!/bin/sh
# copy.sh link|copy FROM TO [FROM TO ...]: makes TO the same as FROM, the data of a Docker Engine
# that stands still; prints the bytes that were really copied. Runs as root in a container of its
# own, on what anybody may have written: no symbolic link is followed.
#
# With `link`, the layers of images become hard links. Docker writes a layer once and registers it
# under image/overlay2/layerdb; what is not registered there (layers of containers, caches of
# builds) is copied. A layer that is in TO already, file by file the same one, stays: most of a
# restore is not to touch it.
set -eu
how=$1
shift

layers() {
    [ "$how" = link ] && [ -d overlay2 ] && [ ! -L overlay2 ] || return 0
    # Names of folders and nothing else: a path in there would lead out of this machine's data.
    grep -hsxE '[0-9a-z]+' image/overlay2/layerdb/sha256/*/cache-id | while read -r id; do
        [ -L "overlay2/$id" ] || [ -L "overlay2/$id/diff" ] || [ ! -d "overlay2/$id/diff" ] ||
            echo "$id"
    done
}

# Everything in a folder; what is no folder by its inode, which a hard link shares.
contents() {
    find "$1" -type d -printf '%P %m %U %G\n' -o -printf '%P %i\n' | sort
}

# Whether TO has a layer of FROM as it was linked there.
same() {
    [ ! -L "$2/overlay2" ] && [ ! -L "$2/overlay2/$3" ] && [ ! -L "$2/overlay2/$3/diff" ] &&
        [ -d "$2/overlay2/$3/diff" ] || return 1
    # On a full disk both lists may be empty, and equal.
    contents "$1/overlay2/$3/diff" >"$4/here" &&
        contents "$2/overlay2/$3/diff" >"$4/there" && cmp -s "$4/here" "$4/there"
}

copy() {
    cd "$1"
    work=$(mktemp -d)
    layers | sort -u >"$work/layers"
    : >"$work/kept"
    while read -r id; do
        if same . "$2" "$id" "$work"; then echo "$id" >>"$work/kept"; fi
    done <"$work/layers"
    comm -23 "$work/layers" "$work/kept" >"$work/linked"
    mkdir -p "$2"
    if [ -s "$work/kept" ]; then
        find "$2" -mindepth 1 -maxdepth 1 ! -name overlay2 -exec rm -rf {} +
        ls -A "$2/overlay2" | sort | comm -23 - "$work/kept" | sed "s|^|$2/overlay2/|" |
            tr '\n' '\0' | xargs -0r rm -rf
        sed "s|^|$2/overlay2/|" "$work/kept" | tr '\n' '\0' |
            xargs -0 -I@ find @ -mindepth 1 -maxdepth 1 ! -name diff -exec rm -rf {} +
    else
        find "$2" -mindepth 1 -maxdepth 1 -exec rm -rf {} +
    fi
    {
        if [ -s "$work/layers" ]; then
            find . -mindepth 1 -maxdepth 1 ! -name overlay2 -print0
            ls -A overlay2 | sort | comm -23 - "$work/layers" | sed 's|^|./overlay2/|' | tr '\n' '\0'
            sed 's|^|./overlay2/|' "$work/layers" | tr '\n' '\0' |
                xargs -0 -I@ find @ -mindepth 1 -maxdepth 1 ! -name diff -print0
        else
            find . -mindepth 1 -maxdepth 1 -print0
        fi
    } >"$work/copied"
    chown --reference=. "$2"
    chmod --reference=. "$2"
    xargs -0r cp -a --reflink=auto --parents -t "$2" <"$work/copied"
    sed 's|.*|./overlay2/&/diff|' "$work/linked" | tr '\n' '\0' |
        xargs -0r cp -al --parents -t "$2"
    du --block-size=1 -cs --files0-from="$work/copied" | tail -n 1 | cut -f1 >"$3"
}

results=$(mktemp -d)
jobs=
while [ $# -gt 0 ]; do
    (copy "$1" "$2" "$results/$#") &
    jobs="$jobs $!"
    shift 2
done
for job in $jobs; do
    wait "$job"
done
cat "$results"/* | awk '{ sum += $1 } END { printf "%d\n", sum }'
