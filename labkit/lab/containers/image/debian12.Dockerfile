# Debian 12 with the packages of a machine of the lab. ROOT is a bare Debian 12 root.
ARG ROOT
FROM ${ROOT}
# Those of the course.
ARG PACKAGES
ARG DEBIAN_FRONTEND=noninteractive
# This release has Compose's former generation, in Python, and no buildx: both come from the next one,
# and nothing else does, since each is a Go program that needs a C library alone.
RUN sed -n 's/ bookworm / trixie /p' /etc/apt/sources.list >/etc/apt/sources.list.d/next.list \
 && printf '%s\n' 'Package: *' 'Pin: release n=trixie' 'Pin-Priority: -1' '' \
        'Package: docker-buildx docker-compose' 'Pin: release n=trixie' 'Pin-Priority: 900' \
        >/etc/apt/preferences.d/next
# The engine's package has its command as well.
RUN apt-get update -q \
 && apt-get install -qy --no-install-recommends \
        ca-certificates \
        curl \
        dbus \
        docker-buildx \
        docker-compose \
        docker.io \
        firewalld \
        iproute2 \
        iptables \
        iputils-ping \
        kmod \
        less \
        libnss-myhostname \
        nano \
        nftables \
        openssh-server \
        openssl \
        procps \
        python3 \
        sudo \
        systemd \
        systemd-sysv \
        vim-tiny \
        ${PACKAGES} \
 && apt-get clean \
 && rm -rf /var/lib/apt/lists/* /var/log/*.log /var/log/apt /var/cache/debconf/*-old
