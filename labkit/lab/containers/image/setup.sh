#!/bin/sh
# Turns a root with packages into a machine of the lab. Runs once, in the build, with no network.
# What differs between the families is asked of the system itself, never of its name.
set -eu

# --- units ----------------------------------------------------------------------------------
# Masked because they act on the kernel of the computer that runs the lab, which all machines
# share: a sysctl, a module or a binary format set here would be set for everybody.
host_global='
    proc-sys-fs-binfmt_misc.automount proc-sys-fs-binfmt_misc.mount systemd-binfmt.service
    systemd-modules-load.service systemd-sysctl.service systemd-pstore.service
    systemd-timesyncd.service chronyd.service
    sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount
    sys-fs-fuse-connections.mount dev-hugepages.mount dev-mqueue.mount'
# Masked because a container has no such thing (consoles, devices, disks, its own resolver).
no_such_thing='
    getty.target getty@.service getty-static.service console-getty.service serial-getty@.service
    systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket
    systemd-udev-trigger.service systemd-udev-settle.service kmod-static-nodes.service
    systemd-remount-fs.service systemd-random-seed.service systemd-firstboot.service
    systemd-hibernate-clear.service systemd-resolved.service systemd-networkd.service
    systemd-networkd.socket systemd-networkd-wait-online.service systemd-rfkill.socket'
# Masked because they cost time or load at moments that nobody chose: a drill measures.
noise='
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer man-db.timer fstrim.timer
    e2scrub_all.timer e2scrub_reap.service dnf-makecache.timer mlocate-updatedb.timer
    ldconfig.service systemd-journal-catalog-update.service'
# Masked because the host key is the provider's: known before the first boot, so that a client can
# check it, and the only one that sshd offers.
host_keys='sshd-keygen.service sshd-keygen.target sshd-keygen@.service'
for unit in $host_global $no_such_thing $noise $host_keys; do
    ln -sf /dev/null "/etc/systemd/system/$unit"
done
rm -f /etc/ssh/ssh_host_*

# Debian's packages enable their services and Rocky's do not. Debian says ssh, Rocky sshd.
for unit in ssh sshd docker containerd firewalld rsyslog; do
    [ ! -f "/usr/lib/systemd/system/$unit.service" ] ||
        systemctl --root=/ enable --quiet "$unit.service"
done
systemctl --root=/ enable --quiet labkit-keep.path
systemctl --root=/ set-default --quiet multi-user.target

# --- services -------------------------------------------------------------------------------
# There is no log of the kernel in a container: imklog would log an error at every boot.
[ ! -f /etc/rsyslog.conf ] || sed -i 's/^module(load="imklog")/#&/' /etc/rsyslog.conf
# Debian's haproxy brings a rule that writes whatever HAProxy says into /var/log/haproxy.log: beside
# it any rule of a learner's seems right. Rocky's brings none.
[ ! -f /etc/rsyslog.d/49-haproxy.conf ] ||
    mv /etc/rsyslog.d/49-haproxy.conf /etc/rsyslog.d/49-haproxy.conf.packaged
# firewalld wakes polkit to ask about each call, Docker's rules one by one among them. Where there is none,
# it takes root's calls and refuses all others (firewall/server/decorators.py): as here, without passwords.
rm -f /usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service
systemctl --root=/ mask --quiet polkit.service
# What Debian says at each login is the kernel, which is that of the computer of the lab: five programs.
rm -f /etc/update-motd.d/10-uname
# The login id can only be set where the kernel's audit is the container's own.
sed -i 's/^\(session *\)required\( *pam_loginuid.so\)/\1optional\2/' /etc/pam.d/sshd
# Debian's own sshd_config has this commented; both families read the directory first.
grep -q '^Include /etc/ssh/sshd_config.d' /etc/ssh/sshd_config ||
    sed -i '1i Include /etc/ssh/sshd_config.d/*.conf' /etc/ssh/sshd_config
# Since OpenSSH 9.8 sshd shuts out, for seconds, an address whose logins failed: a grader that
# probes before the key is there would be. Older ones refuse to start on the unknown word.
if grep -qa persourcepenalties /usr/sbin/sshd; then
    echo 'PerSourcePenalties no' >>/etc/ssh/sshd_config.d/10-labkit.conf
fi
chmod 0600 /etc/ssh/sshd_config.d/*.conf

# --- who works here -------------------------------------------------------------------------
groups=sudo
getent group wheel >/dev/null && groups=wheel
# Where Docker is installed later, its group comes with it, and step 1 adds the user.
getent group docker >/dev/null && groups="$groups,docker"
useradd --create-home --uid 1000 --shell /bin/bash --groups "$groups" --password '*' "$USER_NAME"
home="/home/$USER_NAME"
install -d -m 0700 -o "$USER_NAME" -g "$USER_NAME" "$home/.ssh"
install -m 0600 -o "$USER_NAME" -g "$USER_NAME" /dev/null "$home/.ssh/authorized_keys"
cat /usr/local/share/labkit/bashrc >>"$home/.bashrc"
cat /usr/local/share/labkit/bashrc >>/root/.bashrc
echo "$USER_NAME ALL=(ALL:ALL) NOPASSWD: ALL" >/etc/sudoers.d/labkit
chmod 0440 /etc/sudoers.d/labkit
chmod 0755 /usr/local/sbin/labkit-boot
mkdir -p /srv /var/lib/labkit /etc/docker

# --- authorities that the computer of the lab trusts ----------------------------------------
# A campus network may intercept TLS with an authority of its own.
if command -v update-ca-certificates >/dev/null; then
    cp /tmp/authorities/*.crt /usr/local/share/ca-certificates/ 2>/dev/null || true
    update-ca-certificates >/dev/null
elif command -v update-ca-trust >/dev/null; then
    cp /tmp/authorities/*.crt /etc/pki/ca-trust/source/anchors/ 2>/dev/null || true
    update-ca-trust
fi

# --- identity -------------------------------------------------------------------------------
# Empty, not missing: systemd makes a new one at the first boot and does not take that boot for
# the first of an installation, which would reset every unit to its preset.
: >/etc/machine-id
rm -f /var/lib/dbus/machine-id
