"""What haproxy.cfg may say is listed; whatever else it says is refused."""

from __future__ import annotations

import pytest

from labkit.facts.haproxy import harmless

HOSTILE_CONFIGURATIONS = {
    "lua": "global\n lua-load /x.lua\n",
    "lua in quotes": 'global\n "lua-load" /x.lua\n',
    "lua in parts": "global\n lu'a-l'oad /x.lua\n",
    "lua in hexadecimal": "global\n \\x6cua-load /x.lua\n",
    "lua behind an escape": 'global\n "lua\\-load" /x.lua\n',
    "lua per thread": "global\n lua-load-per-thread /x.lua\n",
    "lua's path": "global\n lua-prepend-path /x\n",
    "lua's settings": "global\n tune.lua.bool-sample-conversion normal\n",
    "lua by way of no": "global\n no lua-load /x\n",
    "lua behind a return": "global\r lua-load /x.lua\r",
    "lua behind a tab of another kind": "global\n lua-load\v/x.lua\n",
    "lua outside of a section": "lua-load /x.lua\n",
    "a variable": 'global\n "${X}" /x.lua\n',
    "a variable as a value": 'global\n log "$X" local0\n',
    "external-check": "global\n external-check\n",
    "external-check of a backend": "backend x\n option external-check\n",
    "external-check's command": "backend x\n external-check command /bin/sh\n",
    "a program": "program x\n command /bin/sh\n",
    "fork": "global\n insecure-fork-wanted\n",
    "setuid": "global\n insecure-setuid-wanted\n",
    "an engine": "global\n ssl-engine /x.so\n",
    "a provider": "global\n ssl-provider-path /x\n",
    "environment": "global\n setenv LD_PRELOAD /x.so\n",
    "environment by one letter": "global\n setenv A_PRELOAD /x.so\n",
    "capabilities": "global\n setcap cap_net_admin\n",
    "root behind a condition": "userlist x\n.if 1\nglobal\n.endif\n user root\n",
    "root in another branch":
        ".if 1\nglobal\n.elif 1\nuserlist x\n.else\nuserlist y\n.endif\n user root\n",
    "root when a condition may have ended": "global\n.if 0\nuserlist x\n.endif\n user root\n",
    "a program in a condition": "global\n.if 0\n external-check\n.endif\n",
    "a variable in a condition": "global\n.if 0\n setenv PORT 80\n.endif\n",
    "a variable that is asked for elsewhere":
        'global\n.if defined(X)\n.endif\n log "$X" local0\n',
    "a socket where a variable is defined":
        "global\n.if defined(X)\n log /run/docker.sock local0\n.endif\n",
    "a variable of the loader that ends as a name does": "global\n setenv LD_BIND x\n",
    "root": "global\n user root\n",
    "docker's group": "global\n group docker\n",
    "a number in place of a user": "global\n uid 0\n",
    "the group of a number": "global\n gid 00\n",
    "a mail server that is a socket": "mailers x\n mailer a /run/docker.sock\n",
    "a state that is a file of the machine": "global\n server-state-file /etc/shadow\n",
    "a socket of somebody else's in /tmp": "global\n stats socket /tmp/labkit.sock\n",
    "another root": "global\n chroot /\n",
    "a pidfile elsewhere": "global\n pidfile /etc/cron.d/x\n",
    "docker's socket": "backend x\n server a /run/docker.sock\n",
    "docker's socket by its family": "backend x\n server a unix@/run/docker.sock\n",
    "docker's socket by its type": "backend x\n server a stream+unix@/run/docker.sock\n",
    "docker's socket for checks": "backend x\n server a web1:80 check addr /run/docker.sock\n",
    "docker's socket by a template": "backend x\n server-template a 1 unix@/run/docker.sock\n",
    "a socket in the place of a file": "global\n stats socket /etc/shadow level admin\n",
    "a way round": "global\n stats socket /run/haproxy/../docker.sock\n",
    "a bound socket": "frontend x\n bind unix@/etc/passwd\n",
    "a bound socket among ports": "frontend x\n bind :80,/etc/passwd\n",
    "a descriptor": "frontend x\n bind fd@3\n",
    "a log that is a socket": "global\n log /run/docker.sock local0\n",
    "a file of the machine as an error": "defaults\n errorfile 503 /etc/shadow\n",
    "a file of the machine as an answer":
        "frontend x\n http-request return file /etc/shadow content-type text/plain\n",
    "a filter": "frontend x\n filter spoe config /x\n",
    "a service in lua": "frontend x\n http-request use-service lua.x\n",
    "an action in lua": "frontend x\n http-request lua.x\n",
    "a ring to a socket of the machine": "ring x\n server s /run/docker.sock\n",
    "a log that is somewhere below": "global\n log /var/log/../../run/docker.sock local0\n",
    "a ring in a file": "ring x\n backing-file /etc/x\n",
    "a log forwarder": "log-forward x\n dgram-bind :514\n",
    "a key of next year": "global\n exec-at-start /bin/sh\n",
    "an open quote": 'global\n log "127.0.0.1\n',
    "a NUL": "global\n log 127.0.0.1\0 local0\n",
    "a line without end": "global\n log " + "x" * 10_000 + "\n",
}  # fmt: skip
HARMLESS_CONFIGURATIONS = {
    "a rewriting rule": "backend x\n http-request replace-path ^/x(.*) /\\1\n",
    "an expression that ends": 'frontend x\n acl a path_reg "^/x$"\n acl b path_reg ^/x$\n',
    "a comment": "# lua-load /x\nglobal # external-check\n log 127.0.0.1 local0 # omprog\n",
    "a value that looks like a keyword": "backend lua-load\n balance roundrobin\n",
    "a format": 'defaults\n log-format "%ci:%cp [%tr] %ft %b/%s %{+Q}r"\n',
    "escaped blanks": "listen s\n stats realm HAProxy\\ Statistics\n stats auth a:b\n",
    "sockets of its own": "global\n stats socket /run/haproxy/admin.sock mode 660 level admin\n"
    " stats socket /var/lib/haproxy/stats\n stats socket ipv4@*:9999\n",
    "a path that is none of the machine's": "listen s\n stats uri /etc/shadow\n",
    "systemd's log": "global\n log /dev/log local0\n log stdout format raw local0\n",
    "a certificate": "frontend x\n bind :443 ssl crt /etc/haproxy/site.pem alpn h2\n",
    "variables": "global\n setenv LB1_IP 192.0.2.1\n setenv S2 192.0.2.2\n setenv WEB_PORT 80\n",
    "names": "backend x\n server-template web 1-2 web:80 check\n server a 192.0.2.1:80 backup\n",
    "the manual's own socket": "global\n stats socket /var/run/haproxy.sock mode 600\n"
    " stats socket /run/haproxy.stat\n stats socket /tmp/haproxy.sock level admin\n",
    "conditions": "global\n.if defined(X)\n log 127.0.0.1 local1\n.else\n log 127.0.0.1 local2\n"
    '.endif\n.if version_atleast(2.4)\nlisten s\n bind :8404\n.endif\n.notice "x"\n',
    "a certificate if there is one": "frontend x\n.if defined(TLS_PEM)\n"
    ' bind :443 ssl crt "${TLS_PEM}"\n.endif\n bind :80\n',
    "names of variables": "global\n setenv HOST1 web1\n setenv LISTEN_PORT 80\n"
    " setenv MY_BACKEND web1\n setenv LOG_ADDR 192.0.2.1\n setenv MACHINE_1 web1\n",
    "a ring": "ring x\n format rfc5424\n size 32764\n timeout connect 5s\n"
    " server s 127.0.0.1:514\n",
    "a log that somebody takes for a file": "global\n log /var/log/haproxy.log local0\n",
    "a pidfile of its own": "global\n pidfile /tmp/haproxy.pid\n",
    "nobody by number": "global\n uid 99\n gid 99\n",
    "mail": "mailers m\n mailer a 192.0.2.1:25\nbackend x\n email-alert mailers m\n"
    " email-alert level alert\n",
    "states kept": "global\n server-state-base /var/lib/haproxy\n server-state-file state\n",
    "metrics": "frontend x\n http-request use-service prometheus-exporter if { path /metrics }\n",
}


@pytest.mark.parametrize("text", HOSTILE_CONFIGURATIONS.values(), ids=HOSTILE_CONFIGURATIONS)
def test_hostile_configurations_are_refused(text: str) -> None:
    assert harmless.refused(text)


@pytest.mark.parametrize("text", HARMLESS_CONFIGURATIONS.values(), ids=HARMLESS_CONFIGURATIONS)
def test_hostile_is_no_usual_configuration(text: str) -> None:
    assert harmless.refused(text) == []


def test_variables_of_a_configuration_get_names_that_nothing_heeds() -> None:
    text = (
        'global\n  setenv CIBLE_1 web1\n  presetenv "LD_PRELOAD" x\n  setenv PORT 80\n'
        "  setenv LD_BIND y\n.if defined(CIBLE_1)\n.endif\n  unsetenv CIBLE_1\n"
        'backend a\n  server a "${CIBLE_1}:$PORT"\n  server b $LD_PRELOAD\n  server c "$CIBLE_10"\n'
    )
    renamed = harmless.with_own_variables(text)
    assert renamed == (
        'global\n  setenv LABKIT_CIBLE_1 web1\n  presetenv "LABKIT_LD_PRELOAD" x\n'
        "  setenv PORT 80\n"
        "  setenv LD_BIND y\n.if defined(LABKIT_CIBLE_1)\n.endif\n  unsetenv LABKIT_CIBLE_1\n"
        'backend a\n  server a "${LABKIT_CIBLE_1}:$PORT"\n  server b $LABKIT_LD_PRELOAD\n'
        '  server c "$CIBLE_10"\n'
    )
    assert "LD_BIND" in [one.word for one in harmless.refused(renamed)]
    assert harmless.with_own_variables(renamed) == renamed
