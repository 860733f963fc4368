# Rocky Linux 9 with the packages of a machine of the lab. Not tried where it was written, since
# no registry of images answers there: written after the documentation of Docker and of Rocky.
ARG ROOT
FROM ${ROOT}
# Those of the course.
ARG PACKAGES
# The .repo file is written, not fetched with `dnf config-manager`: that command has another
# syntax in dnf5 and needs a plugin in dnf4.
COPY docker-ce.repo /etc/yum.repos.d/docker-ce.repo
# --allowerasing: the base image has curl-minimal, which conflicts with curl.
RUN dnf -y --setopt=install_weak_deps=False --allowerasing install \
        ca-certificates \
        containerd.io \
        curl \
        dbus \
        docker-buildx-plugin \
        docker-ce \
        docker-ce-cli \
        docker-compose-plugin \
        firewalld \
        hostname \
        iproute \
        iptables-nft \
        iputils \
        kmod \
        less \
        nano \
        nftables \
        openssh-clients \
        openssh-server \
        openssl \
        procps-ng \
        python3 \
        sudo \
        systemd \
        vim-minimal \
        ${PACKAGES} \
 && dnf clean all \
 && rm -rf /var/cache/dnf
