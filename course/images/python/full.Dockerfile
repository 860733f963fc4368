# What python:3 has beside python:3-slim and what students call in it: of the tools of
# buildpack-deps those that are small.
ARG ROOT
FROM ${ROOT}
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get update -q \
 && apt-get install -qy --no-install-recommends curl file netbase procps unzip wget \
 && apt-get clean \
 && rm -rf /var/lib/apt/lists/* /var/log/*.log /var/log/apt /var/cache/debconf/*-old
