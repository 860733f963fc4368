#!/bin/sh
# Turns a Debian 13 root with a kernel into a machine that Vagrant can use. Runs in that root, in
# the making of the box. What is asked of a box: developer.hashicorp.com/vagrant/docs/boxes/base
set -eu

# --- the user -------------------------------------------------------------------------------
useradd --create-home --shell /bin/bash --password '*' vagrant
install -d -m 0700 -o vagrant -g vagrant /home/vagrant/.ssh
install -m 0600 -o vagrant -g vagrant /tmp/box/vagrant.pub /home/vagrant/.ssh/authorized_keys
echo 'vagrant ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/vagrant
chmod 0440 /etc/sudoers.d/vagrant

# --- the network ----------------------------------------------------------------------------
# The first card, on which Vagrant logs in. The second one is the lab's: Vagrant writes
# 50-vagrant-eth1.network beside this file (its Debian guest, where systemd-networkd runs).
cat >/etc/systemd/network/80-eth0.network <<'END'
[Match]
Name=eth0
[Network]
DHCP=ipv4
END
echo debian >/etc/hostname
printf '127.0.0.1 localhost\n::1 localhost\n' >/etc/hosts
systemctl enable --quiet systemd-networkd.service

# --- SSH ------------------------------------------------------------------------------------
# Each machine makes its own key, of the kind that labkit asks for; RSA takes long where the
# processor is emulated.
rm -f /etc/ssh/ssh_host_*
cat >/etc/systemd/system/host-key.service <<'END'
[Unit]
Description=The host key of this machine
Before=ssh.service
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key
[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -q -N "" -t ed25519 -f /etc/ssh/ssh_host_ed25519_key
[Install]
RequiredBy=ssh.service
END
systemctl enable --quiet host-key.service

# An emulated processor on a busy computer needed more than the usual 90 s to start firewalld.
mkdir -p /etc/systemd/system.conf.d
printf '[Manager]\nDefaultTimeoutStartSec=15min\n' >/etc/systemd/system.conf.d/patience.conf

# Step 11 starts it, as on a machine where it has just been installed.
systemctl disable --quiet haproxy.service

# --- quiet ----------------------------------------------------------------------------------
# Nothing that waits for the lab's card before Vagrant has configured it, or works at a moment that
# nobody chose: a drill measures.
for unit in systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer \
    dpkg-db-backup.timer man-db.timer fstrim.timer e2scrub_all.timer e2scrub_reap.service; do
    systemctl mask --quiet "$unit"
done

# --- the disk -------------------------------------------------------------------------------
grub-mkimage -O i386-pc -p /boot/grub -c /tmp/box/grub.cfg -o /boot/core.img \
    biosdisk part_msdos ext2 linux
: >/etc/machine-id # made anew at the first boot
rm -f /var/lib/dbus/machine-id
