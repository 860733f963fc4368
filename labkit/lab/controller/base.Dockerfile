# What labkit needs of a system, and the libraries of the one that asks, in their versions.
ARG BASE
FROM ${BASE}
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get update -q \
 && apt-get install -qy --no-install-recommends \
        ca-certificates \
        mmdebstrap \
        openssh-client \
        python3 \
        python3-venv \
 && apt-get clean \
 && rm -rf /var/lib/apt/lists/* /var/log/*.log /var/log/apt
COPY authorities/ /usr/local/share/ca-certificates/
RUN rm /usr/local/share/ca-certificates/README && update-ca-certificates
ARG PIP_INDEX_URL=https://pypi.org/simple
COPY requirements.txt constraints.txt /usr/share/labkit/
RUN python3 -m venv /usr/lib/labkit \
 && PIP_CERT=/etc/ssl/certs/ca-certificates.crt /usr/lib/labkit/bin/pip install --quiet \
        --no-cache-dir --disable-pip-version-check --index-url "$PIP_INDEX_URL" \
        --constraint /usr/share/labkit/constraints.txt \
        --requirement /usr/share/labkit/requirements.txt
ENV PATH=/usr/lib/labkit/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt
