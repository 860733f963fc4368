# Debian 13 with the packages of a machine of the lab. ROOT is a bare Debian 13 root.
ARG ROOT
FROM ${ROOT}
# Those of the course.
ARG PACKAGES
ARG DEBIAN_FRONTEND=noninteractive
# One package a line, so that a change reads well in a diff; no recommended packages: they bring
# udev, a mail server and 300 MiB that no step uses.
RUN apt-get update -q \
 && apt-get install -qy --no-install-recommends \
        ca-certificates \
        curl \
        dbus \
        docker-buildx \
        docker-cli \
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
