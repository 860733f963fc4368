#!/bin/sh
# copy.sh link|copy FROM TO FIXED [FROM TO FIXED ...]: makes TO the same as FROM, the data of an engine
# that stands still; prints the bytes that were really copied. Runs as root in a container of its own,
# on what anybody may have written: no symbolic link is followed.
#
# With `link`, what is never written again becomes hard links: containerd's content, whose files are
# named by their digests, and the layers of images whose numbers are in FIXED. The numbers are kept in
# TO.fixed; without any, those in FROM.fixed are meant. What is in TO already, file by file the same
# one, stays: most of a restore is not to touch it.
set -euf
how=$1
shift
content=io.containerd.content.v1.content/blobs
layers=io.containerd.snapshotter.v1.overlayfs/snapshots
everything="--xattrs --xattrs-include=* --acls --numeric-owner"  # options of tar, without blanks

# Whether a path below a folder is a folder, and leads there and nowhere else.
is_own() { [ -d "$1/$2" ] && [ "$(realpath "$1/$2")" = "$(realpath "$1")/$2" ]; }

# The folders, relative to FROM, in which no file is written again.
fixed() {
    [ "$how" = link ] || return 0
    {
        echo "$content"
        echo "$1" | tr ' ' '\n' | sed -nE "s|^[0-9]+$|$layers/&/fs|p"
    } | while read -r path; do if is_own . "$path"; then echo "$path"; fi; done
}

# Everything in a folder; what is no folder by its inode, which a hard link shares.
contents() {
    find "$1" -type d -printf '%P %m %U %G\n' -o -printf '%P %i\n' | sort
}

# Whether TO has a folder of FROM as it was linked there.
same() {
    is_own "$2" "$3" || return 1
    # On a full disk both lists may be empty, and equal.
    contents "$1/$3" >"$4/here" && contents "$2/$3" >"$4/there" && cmp -s "$4/here" "$4/there"
}

copy() {
    cd "$1"
    work=$4.work
    mkdir "$work"
    numbers=$3
    [ -n "$numbers" ] || [ ! -e "$1.fixed" ] || numbers=$(cat "$1.fixed")
    fixed "$numbers" >"$work/fixed"
    mkdir -p "$2"
    [ -z "$3" ] || echo "$3" >"$2.fixed"
    rm -rf "$2.kept"
    : >"$work/linked"
    while read -r path; do
        if same . "$2" "$path" "$work"; then
            mkdir -p "$2.kept/${path%/*}"
            mv -T "$2/$path" "$2.kept/$path"
        else
            echo "$path" >>"$work/linked"
        fi
    done <"$work/fixed"
    find "$2" -mindepth 1 -maxdepth 1 -exec rm -rf {} +
    chown --reference=. "$2"
    chmod --reference=. "$2"
    if [ -s "$work/fixed" ]; then
        sed 's|^|./|' "$work/fixed" >"$work/without"
        {
            tar -c --anchored --no-wildcards -X "$work/without" $everything . || : >"$work/failed"
        } | tar -x $everything -C "$2"
        [ ! -e "$work/failed" ]
    else
        cp -a --reflink=auto ./. "$2"
    fi
    while read -r path; do
        [ ! -d "$2.kept/$path" ] || mv -T "$2.kept/$path" "$2/$path"
    done <"$work/fixed"
    rm -rf "$2.kept"
    sed 's|^|./|' "$work/linked" | tr '\n' '\0' | xargs -0r cp -al --parents -t "$2"
    all=$(du -B1 -s . | cut -f 1)
    shared=0
    [ ! -s "$work/fixed" ] ||
        shared=$(tr '\n' '\0' <"$work/fixed" | du -B1 -cs --files0-from=- | tail -n 1 | cut -f 1)
    echo $((all - shared)) >"$4"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
jobs=
while [ $# -gt 0 ]; do
    (copy "$1" "$2" "$3" "$scratch/$#") &
    jobs="$jobs $2:$!"
    shift 3
done
failed=
for job in $jobs; do
    wait "${job##*:}" || failed="$failed ${job%:*}"
done
if [ -n "$failed" ]; then
    # The shell's own commands do not say why they could not write; another one does.
    for folder in $failed; do
        head -c 4096 /dev/zero >"$folder.why" || :
        rm -f "$folder.why"
    done
    exit 1
fi
find "$scratch" -maxdepth 1 -type f -exec cat {} + | awk '{ sum += $1 } END { printf "%d\n", sum }'
