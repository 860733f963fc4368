"""The practical: high availability of web servers with HAProxy, in thirteen steps."""

NAME = "haproxy-student-list"
TITLES = {
    "en": "High availability of web servers with HAProxy",
    "fr": "Haute disponibilité de serveurs web avec HAProxy",
}
POINTS_MAX = 20.0  # a French mark; the checks' points must add up to it

# What a machine is asked for `labkit doctor --report`, beside what every course asks it: heading
# -> question, which changes nothing.
SURVEY = {
    "packages of the practical": (
        "if command -v rpm >/dev/null; then rpm -q docker-ce docker-ce-cli containerd.io "
        "docker-compose-plugin haproxy rsyslog firewalld container-selinux httpd-tools podman "
        "curl curl-minimal; else dpkg-query -W docker.io docker-compose haproxy rsyslog firewalld; "
        "fi"
    ),
    "SELinux lets HAProxy connect": "command -v getsebool && getsebool haproxy_connect_any",
    "HAProxy": (
        "haproxy -v; sudo -n haproxy -c -f /etc/haproxy/haproxy.cfg; systemctl is-active haproxy; "
        "sudo -n journalctl -u haproxy -n 20 --no-pager"
    ),
    "log of HAProxy": "sudo -n ls -lZ /var/log/haproxy.log; sudo -n tail -n 3 /var/log/haproxy.log",
}
