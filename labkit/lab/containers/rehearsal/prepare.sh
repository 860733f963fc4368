#!/bin/sh
# Dresses a Debian machine as el9. Runs once, in the build, with the network of the host.
set -eu
here=/tmp/rehearsal
share=/usr/share/rehearsal-el9
export DEBIAN_FRONTEND=noninteractive GNUPGHOME=/tmp/rehearsal-keys

# --- what the steps are to install is not there ---------------------------------------------
# No autoremove: the shared libraries stay, since the rpm packages do not bring them.
apt-get purge -qy docker.io docker-cli docker-buildx docker-compose containerd runc tini \
    haproxy apache2-utils
for user in haproxy; do ! getent passwd $user >/dev/null || userdel $user; done
for group in haproxy docker; do ! getent group $group >/dev/null || groupdel $group; done
rm -rf /etc/docker /etc/containerd /etc/haproxy /var/lib/haproxy
# The group of administrators on el9; Debian's is called sudo.
groupadd --system wheel

# --- dnf and rpm, and the system's own word for what it is ----------------------------------
apt-get update -q
apt-get install -qy --no-install-recommends \
    createrepo-c dnf gpg gpg-agent gpgconf rpm tar xz-utils
cp -R "$here/root/." /
chmod 0440 /etc/sudoers.d/rehearsal-el9
chmod 0755 /usr/sbin/getenforce /usr/sbin/getsebool /usr/sbin/selinuxenabled /usr/sbin/setsebool
systemctl --root=/ enable --quiet rehearsal-repository.service
# Debian gives the logs to the group adm; on el9 they are root's alone (and see rsyslog.service.d).
sed -i -E '/^\$(FileOwner|FileGroup|FileCreateMode|DirCreateMode|Umask)/d' /etc/rsyslog.conf

# --- the keys of the packages: one for Docker's, one for the system's -----------------------
install -d -m 0700 "$GNUPGHOME"
for owner in Docker Rocky; do
    gpg --batch --quiet --passphrase '' --quick-generate-key \
        "$owner packages (rehearsal, not $owner)" rsa3072 sign never
done

# --- the packages, in their repositories ----------------------------------------------------
python3 "$here/packing.py" "$here/packages.toml" "$share"
gpg --armor --export Docker >"$share/download.docker.com/linux/rhel/gpg"
install -d /etc/pki/rpm-gpg
gpg --armor --export Rocky >/etc/pki/rpm-gpg/RPM-GPG-KEY-rehearsal
gpgconf --kill all
rm -rf "$GNUPGHOME"

# --- download.docker.com, which is this machine, and an authority that says so --------------
# The authority's key goes at once: it can vouch for nothing else.
cd "$share"
ec='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
# shellcheck disable=SC2086  # a list of words
openssl req -x509 $ec -days 3650 -subj '/CN=Rehearsal of el9' -keyout ca.key \
    -out /usr/local/share/ca-certificates/rehearsal-el9.crt 2>/dev/null
# shellcheck disable=SC2086
openssl req $ec -subj '/CN=download.docker.com' -addext 'subjectAltName=DNS:download.docker.com' \
    -keyout server.key -out server.csr 2>/dev/null
openssl x509 -req -in server.csr -CA /usr/local/share/ca-certificates/rehearsal-el9.crt \
    -CAkey ca.key -CAcreateserial -copy_extensions copy -days 3650 -out server.crt 2>/dev/null
chmod 0600 server.key
rm -f ca.key server.csr /usr/local/share/ca-certificates/*.srl
update-ca-certificates >/dev/null

# --- what a Rocky machine has from the start, as far as labkit or a package asks rpm for it --
dnf -qy --repo baseos install rehearsal-release rsyslog

dnf -q clean all
apt-get purge -qy createrepo-c gpg-agent
apt-get clean
rm -rf /var/lib/apt/lists/* /var/log/*.log /var/log/apt /var/cache/debconf/*-old
