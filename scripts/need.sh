# For the scripts beside this one: what is missing is installed, or it is said what to type.

# Whether whoever runs this may install packages (root, Debian family).
may_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

install_packages() {
    echo "installing $* ..." >&2
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

# What is wrong, and the next thing to type.
refuse() {
    echo "labkit: $1" >&2
    echo "  next   $2" >&2
    exit 4
}
