"""HAProxy's file and rsyslog's, whatever they are called."""

from __future__ import annotations

import pytest

from tests.unit.steps.recognition.given import (
    BALANCER,
    CFG,
    COMPOSE,
    FRONT,
    HEAD,
    RSYSLOG,
    seen,
    servers,
)


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (("192.168.56.11:80", "192.168.56.12:80"), ("web1:80", "web2:80")),
        (("192.168.56.11:8080", "192.168.56.12:8080"), ("web1:8080", "web2:8080")),
        (("srv-b.lan:80", "srv-a.lan:80"), ("web1:80", "web2:80")),
        (("10.0.0.1", "10.0.0.2"), ("web1", "web2")),
        (("10.0.0.1:80", "10.0.0.1:81"), ("web1:80", "web1:81")),
        (("10.0.0.1:80",), ("web1:80",)),
    ],
)  # fmt: skip
def test_two_foreign_hosts_become_the_labs(given: tuple[str, ...], made: tuple[str, ...]) -> None:
    found = seen({BALANCER: servers(*given)})
    assert found.files[BALANCER].decode() == servers(*made)
    assert found.original[BALANCER].decode() == servers(*given)
    assert len(found.notes) == len({one.partition(":")[0] for one in given})
    assert all(note.startswith("haproxy.cfg: ") for note in found.notes)


@pytest.mark.parametrize(
    "given",
    [
        ("10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"),
        ("web1:80", "web2:80"),
        ("web1:80", "10.0.0.2:80"),
        ("web2:80", "wbe1:80"),
        ("127.0.0.1:80", "127.0.0.1:81"),
        ("localhost:8080", "10.0.0.2:80"),
        (),
    ],
)
def test_other_hosts_stay_as_they_are(given: tuple[str, ...]) -> None:
    found = seen({BALANCER: servers(*given)})
    assert found.files[BALANCER].decode() == servers(*given)
    assert found.notes == ()


def test_who_only_says_sorry_is_no_host_of_the_site() -> None:
    sorry = "  server sorry 127.0.0.1:8000 backup\n"
    made = seen({BALANCER: servers("10.0.0.1:80", "10.0.0.2:80") + sorry}).files[BALANCER]
    assert made.decode() == servers("web1:80", "web2:80") + sorry


@pytest.mark.parametrize(
    "given", [("[fd00::1]:80", "[fd00::2]:80"), ("fd00::1", "2001:db8::1"), ("[fd00:1::1]:8080",)]
)
def test_addresses_of_version_6_stay_as_they_are(given: tuple[str, ...]) -> None:
    found = seen({BALANCER: servers(*given)})
    assert found.files[BALANCER].decode() == servers(*given)
    assert COMPOSE not in found.fitted or "80:80" in found.fitted[COMPOSE].decode()


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("bind 10.0.0.9:80", "bind *:80"),
        ('bind "10.0.0.9:80" name x', 'bind "*:80" name x'),
        ("bind 10.0.0.9:80,10.0.0.8:8080", "bind *:80,*:8080"),
        ("bind 127.0.0.1:80,10.0.0.9:80", "bind 127.0.0.1:80,*:80"),
        ("log 10.0.0.9 local2", "log 127.0.0.1 local2"),
        ("log 10.0.0.9:514 local2", "log 127.0.0.1:514 local2"),
        ("source 10.0.0.9", "source 0.0.0.0"),
        ("source 10.0.0.9 interface eth1", "source 0.0.0.0"),
        ("bind *:80 interface ens160 name x", "bind *:80 name x"),
        ("bind *:80 interface lo", "bind *:80 interface lo"),
        ("bind *:80 # interface eth1", "bind *:80 # interface eth1"),
        ("server x web1:80 check source 0.0.0.0 interface eth1",
         "server x web1:80 check source 0.0.0.0"),
        ("stats socket 10.0.0.9:9999 level admin", "stats socket 127.0.0.1:9999 level admin"),
        ("stats socket ipv4@10.0.0.9:9999", "stats socket ipv4@127.0.0.1:9999"),
        ("stats socket /run/haproxy/a.sock", "stats socket /run/haproxy/a.sock"),
        ("peer lb 10.0.0.9:1024", "peer lb 127.0.0.1:1024"),
        ("peer other 10.0.0.8:1024", "peer other 10.0.0.8:1024"),
        ("log 10.0.0.1 local2", "log 10.0.0.1 local2"),
        ("bind 0.0.0.0:80", "bind 0.0.0.0:80"),
        ("# bind 10.0.0.9:80", "# bind 10.0.0.9:80"),
    ],
)  # fmt: skip
def test_an_address_of_the_balancers_own_is_all_of_lbs(given: str, made: str) -> None:
    """web1's is not: whoever logs there finds nothing on lb."""
    found = seen({BALANCER: servers("10.0.0.1:80", "10.0.0.2:80") + f"frontend x\n  {given}\n"})
    assert found.files[BALANCER].decode().endswith(f"frontend x\n  {made}\n")


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (('global\n  setenv W1 10.0.0.1\n  presetenv W2 "10.0.0.2:80"\nbackend my-backend\n'
         '  server a "${W1}:80" check\n  server b "$W2" check\n'),
         ('global\n  setenv W1 web1\n  presetenv W2 "web2:80"\nbackend my-backend\n'
         '  server a "${W1}:80" check\n  server b "$W2" check\n')),
        (('backend my-backend\n  server a "10.0.0.1:80" check addr 10.0.0.1\n'
         "  server 10.0.0.2 10.0.0.2:80 check\n"),
         ('backend my-backend\n  server a "web1:80" check addr web1\n'
         "  server 10.0.0.2 web2:80 check\n")),
    ],
)  # fmt: skip
def test_hosts_are_renamed_wherever_they_stand(given: str, made: str) -> None:
    assert seen({BALANCER: given}).files[BALANCER].decode() == made


def test_comments_and_defaults_are_no_servers() -> None:
    text = (
        servers("10.0.0.1:80", "10.0.0.2:80") + "# server old 10.0.0.9:80\ndefault-server check\n"
    )
    assert (
        b"# server old 10.0.0.9:80\ndefault-server check\n"
        in seen({BALANCER: text}).files[BALANCER]
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lb/haproxy.cfg", CFG), ("haproxy.cfg.txt", CFG), ("haproxy-lb.conf", CFG),
        ("my.cfg", "listen x\n"), ("haproxy.cfg", "global\n"), ("haproxy.cfg", "rubbish"),
    ],
)  # fmt: skip
def test_a_configuration_is_found_by_its_content_or_name(name: str, text: str) -> None:
    assert seen({name: text, "x.txt": ""}).sources == {BALANCER: name}


@pytest.mark.parametrize(
    "name", ["lb/lb.conf", "haproxy.txt", "haproxy", "etc/haproxy/config", "haproxy.ini"]
)
def test_a_configuration_of_any_name_begins_with_a_section(name: str) -> None:
    text = f"# mine\n\n{HEAD}{FRONT}{CFG}"
    assert seen({name: text, "x.txt": ""}).sources == {BALANCER: name}
    for other in (f"My file:\n{text}", "upstream x {\n server web1:80;\n}\n", "global:\n  x: 1\n"):
        assert not seen({name: other, "x.txt": ""}).sources


def test_a_template_is_no_configuration_until_it_is_filled_in() -> None:
    text = f"{HEAD}{FRONT}{CFG}"
    loop = "{% for web in groups['web'] %}\n  server {{ web }} {{ web }}:80\n{% endfor %}\n"
    assert not seen({"haproxy.cfg.j2": text + loop, "x.txt": ""}).sources
    assert seen({"haproxy.cfg.j2": text, "x.txt": ""}).sources == {BALANCER: "haproxy.cfg.j2"}


@pytest.mark.parametrize(
    "name", ["haproxy.orig.cfg", "haproxy.cfg.rpmsave", "haproxy-original.cfg"]
)
def test_what_the_package_had_is_a_copy(name: str) -> None:
    mine = f"{HEAD}{FRONT}{CFG}"
    package = "backend app\n  server app1 127.0.0.1:5001 check\n"
    for ours in ("haproxy.conf", "h.cfg", "lb.conf"):
        assert seen({ours: mine, name: package}).sources == {BALANCER: ours}
    assert seen({name: mine, "README.md": "x"}).sources == {BALANCER: name}


def test_files_that_the_balancer_names_on_another_machine_are_looked_for_here() -> None:
    text = f"{CFG}frontend f\n  bind :443 ssl crt /vagrant/certs/site.pem\n"
    found = seen({BALANCER: text, "x.txt": ""})
    assert b"ssl crt /etc/haproxy/site.pem\n" in found.files[BALANCER]
    assert found.notes == (f"{BALANCER}: /vagrant/certs/site.pem stands for /etc/haproxy/site.pem",)


STATS = "listen stats\n  bind *:8404\n  stats enable\n"


@pytest.mark.parametrize(
    ("files", "order"),
    [
        ({"haproxy.cfg": HEAD, "conf.d/10-web.cfg": FRONT, "conf.d/20-pool.cfg": CFG},
         [HEAD, FRONT, CFG]),
        ({"lb/conf.d/00-all.cfg": HEAD, "lb/conf.d/10-web.cfg": FRONT + CFG,
          "lb/conf.d/20-stats.cfg": STATS}, [HEAD, FRONT + CFG, STATS]),
        ({"haproxy.cfg": HEAD + FRONT + CFG, "haproxy.d/stats.cfg": STATS},
         [HEAD + FRONT + CFG, STATS]),
        ({"lb/backend.cfg": CFG, "lb/frontend.cfg": FRONT, "lb/global.cfg": HEAD},
         [HEAD, CFG, FRONT]),
        ({"lb/a.cfg": HEAD.partition("defaults")[0], "lb/b.cfg": CFG, "lb/c.cfg": FRONT,
          "lb/d.conf": "defaults" + HEAD.partition("defaults")[2]},
         [HEAD.partition("defaults")[0], "defaults" + HEAD.partition("defaults")[2], CFG, FRONT]),
        ({"haproxy/haproxy.cfg": HEAD + FRONT + CFG, "haproxy/haproxy-stats.cfg": STATS,
          "haproxy/haproxy-old.cfg": HEAD + FRONT + CFG}, [HEAD + FRONT + CFG, STATS]),
        ({"haproxy/haproxy.cfg": HEAD + FRONT + CFG, "haproxy/haproxy-2.cfg": HEAD + STATS},
         [HEAD + FRONT + CFG]),
        ({"a.cfg": CFG, "x.cfg": HEAD + FRONT + CFG + STATS, "squid.conf": "cache deny all\n"},
         [HEAD + FRONT + CFG + STATS]),
        ({"tp1.cfg": HEAD + FRONT + CFG, "tp2.cfg": HEAD + FRONT + CFG + STATS},
         [HEAD + FRONT + CFG + STATS]),
    ],
)  # fmt: skip
def test_a_configuration_in_several_files_is_one(files: dict[str, str], order: list[str]) -> None:
    found = seen({**files, "README.md": "x"})
    assert found.files[found.sources[BALANCER]].decode().split() == "\n".join(order).split()
    others = [note for note in found.notes if "could be meant" not in note]
    assert len(others) == (len(order) > 1)


def test_a_log_of_ones_own_is_found() -> None:
    files = {"49-haproxy.conf": "local0.* /var/log/haproxy.log\n", "x.conf": "haproxy\n"}
    assert seen(files).sources == {RSYSLOG: "49-haproxy.conf"}


@pytest.mark.parametrize(
    ("opens", "rule"),
    [
        ("etc/rsyslog.conf", "etc/rsyslog.d/49-haproxy.conf"),
        ("lb/rsyslog.d/10-udp.conf", "lb/rsyslog.d/49-haproxy.conf"),
        ("lb/rsyslog.d/10-udp.conf", "lb/rsyslog.conf"),
        ("udp.conf", "rsyslog-haproxy"),
    ],
)
def test_what_opens_the_log_is_read_before_the_rule(opens: str, rule: str) -> None:
    files = {opens: "$ModLoad imudp\n$UDPServerRun 514\n", rule: "local0.* /var/log/haproxy.log\n"}
    found = seen({**files, "x/README.md": "x"})
    assert found.sources == {RSYSLOG: rule}
    assert found.files[rule].decode() == files[opens] + files[rule]
    assert found.notes == (f"{opens} and {rule} are read as one file",)


RULE = "local0.* /var/log/haproxy.log\n"
SYSTEMS = 'module(load="imudp")\ninput(type="imudp" port="514")\n'


@pytest.mark.parametrize(
    ("notes", "opened"),
    [
        ("sudo sed -i '/imudp/s/^#//' /etc/rsyslog.conf\n", SYSTEMS),
        ("Décommenter :\n\n    $ModLoad imudp\n    $UDPServerRun 515\n",
         "$ModLoad imudp\n$UDPServerRun 515\n"),
        ('module(load="imudp")\ninput(type="imudp" address="127.0.0.1" port="514")\n',
         'module(load="imudp")\ninput(type="imudp" address="127.0.0.1" port="514")\n'),
        ("HAProxy sends its log by UDP: imudp\n", ""),
        ('#module(load="imudp")\n#input(type="imudp" port="514")\n', ""),
        ('module(load="imudp")\n', ""),
    ],
)  # fmt: skip
def test_what_notes_open_in_the_systems_file_stands_before_the_rule(
    notes: str, opened: str
) -> None:
    found = seen({"haproxy-rsyslog.conf": RULE, "README.md": notes})
    assert found.files["haproxy-rsyslog.conf"].decode() == opened + RULE
    assert len(found.notes) == bool(opened)


@pytest.mark.parametrize("own", [SYSTEMS, "$AddUnixListenSocket /var/lib/haproxy/dev/log\n"])
def test_a_rule_that_listens_by_itself_is_left_as_it_is(own: str) -> None:
    notes = "sudo sed -i '/imudp/s/^#//' /etc/rsyslog.conf\n"
    found = seen({"haproxy-rsyslog.conf": own + RULE, "README.md": notes})
    assert found.files["haproxy-rsyslog.conf"].decode() == own + RULE


@pytest.mark.parametrize(
    ("log", "rules", "kept"),
    [
        ("/dev/log", "", True),
        ("/dev/log", "haproxy.conf", True),
        ("/dev/log", "lb/49-haproxy.conf", False),
        ("127.0.0.1:514", "haproxy.conf", False),
        ("127.0.0.1:514", "", False),
    ],
)
def test_the_rule_of_debians_package_counts_for_a_socket_alone(
    log: str, rules: str, kept: bool
) -> None:
    files = {"haproxy.cfg": f"global\n log {log} local0\n{FRONT}{CFG}", "README.md": "x"}
    found = seen({**files, **({rules: RULE} if rules else {})})
    assert ("haproxy: packaged rule" in found.options) is kept


@pytest.mark.parametrize(
    "name", ["rsyslog.txt", "haproxy-rsyslog.cfg", "etc/rsyslog.d/haproxy", "rsyslog.d/49.list"]
)
def test_rsyslogs_file_may_have_any_suffix_if_it_says_so_first(name: str) -> None:
    rule = "# mine\n$ModLoad imudp\nlocal0.* /var/log/haproxy.log\n"
    assert seen({name: rule, "x.txt": ""}).sources == {RSYSLOG: name}
    assert not seen({name: f"I typed:\n{rule}", "x.txt": ""}).sources


def test_of_a_whole_rsyslog_conf_counts_what_it_adds() -> None:
    text = "$IncludeConfig /etc/rsyslog.d/*.conf\n$ModLoad imudp\nlocal0.* /var/log/haproxy.log\n"
    found = seen({"rsyslog.conf": text, "x.txt": ""})
    assert found.files["rsyslog.conf"].split(b"\n", 1)[1].decode() == text.split("\n", 1)[1]
    assert found.notes == ("rsyslog.conf: what the system's own says already is left out",)


@pytest.mark.parametrize(
    "line",
    [
        "cat /vagrant/lb/parts/*.cfg > /etc/haproxy/haproxy.cfg",
        "cat lb/parts/*.cfg | sudo tee /etc/haproxy/haproxy.cfg >/dev/null",
        "  sudo cat parts/1.cfg parts/2.cfg parts/3.cfg > haproxy.cfg",
    ],
)
def test_pieces_that_a_script_joins_are_one_in_its_order(line: str) -> None:
    first, last = CFG.split("  server b")
    pieces = {"lb/parts/1.cfg": HEAD + FRONT, "lb/parts/2.cfg": first,
              "lb/parts/3.cfg": f"  server b{last}"}  # fmt: skip
    found = seen({**pieces, "lb/up.sh": f"#!/bin/sh\n{line}\n", "x": "x"})
    whole = found.files[found.sources[BALANCER]].decode()
    assert whole == "\n".join(text.rstrip() for text in pieces.values()) + "\n"


@pytest.mark.parametrize("line", ["cat a.cfg > x.cfg", "cat lb/gone.cfg lb/1.cfg > haproxy.cfg",
                                  "cat haproxy.cfg"])  # fmt: skip
def test_what_is_joined_to_another_file_or_is_not_there_joins_nothing(line: str) -> None:
    found = seen({"lb/1.cfg": HEAD + FRONT + CFG, "up.sh": line, "x": "x"})
    assert found.sources[BALANCER] == "lb/1.cfg"
    assert found.notes == ()


BY_VARIABLE = CFG.replace("web1:80", '"${SITE_A}"').replace("web2:80", "$B:80")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            "lb/haproxy.service.d/override.conf",
            '[Service]\nEnvironment="SITE_A=web1:80" B=web2\nEnvironment=C=1\n# x\n',
        ),
        ("lb/etc/default/haproxy", "# Debian\nSITE_A='web1:80'\nexport B=web2\nEXTRAOPTS=-d\n"),
        ("lb/etc/sysconfig/haproxy", 'SITE_A="web1:80"\nB=web2\n'),
    ],
)
def test_variables_are_those_of_what_starts_haproxy(path: str, text: str) -> None:
    found = seen({"lb/haproxy.cfg": HEAD + FRONT + BY_VARIABLE, path: text})
    own = found.sources[BALANCER]
    given = found.files[own].decode()
    assert given.startswith("global\n    setenv SITE_A 'web1:80'\n    setenv B 'web2'\nglobal\n")
    assert given.endswith(BY_VARIABLE)
    assert [note for note in found.notes if "its variables are those of" in note]


def test_a_variable_that_the_configuration_sets_itself_stays_its_own() -> None:
    text = "global\n  setenv SITE_A web1:80\n  setenv B web2\n" + FRONT + BY_VARIABLE
    found = seen({"haproxy.cfg": text, "default/haproxy": "SITE_A=x\nB=y\n"})
    assert found.files[found.sources[BALANCER]].decode() == text
    assert found.notes == ()


def test_the_first_that_sets_a_variable_counts() -> None:
    files = {"a/default/haproxy": "SITE_A=web1:80\nB=web2\n", "b/default/haproxy": "SITE_A=x\n"}
    found = seen({"a/haproxy.cfg": HEAD + FRONT + BY_VARIABLE, **files})
    assert found.files[found.sources[BALANCER]].count(b"setenv SITE_A") == 1
    assert not [note for note in found.notes if "b/default" in note]


@pytest.mark.parametrize(
    ("earlier", "counts"),
    [(":programname, isequal, \"haproxy\" stop\n", True), ("local2.* /var/log/x.log\n& ~\n", True),
     ("local7.* /var/log/boot.log\n", False), ("# stop\nlocal7.* /var/log/boot.log\n", False)],
)  # fmt: skip
def test_an_earlier_file_of_rsyslogs_may_have_taken_the_lines_away(
    earlier: str, counts: bool
) -> None:
    rule = "local2.* /var/log/haproxy.log\n"
    files = {"rsyslog.d/30-x.conf": earlier, "rsyslog.d/49-haproxy.conf": rule, "haproxy.cfg": CFG}
    found = seen(files)
    assert (earlier.encode() in found.files[found.sources[RSYSLOG]]) is counts
    later = seen({**files, "rsyslog.d/30-x.conf": "", "rsyslog.d/60-x.conf": earlier})
    assert later.files[later.sources[RSYSLOG]] == rule.encode()
