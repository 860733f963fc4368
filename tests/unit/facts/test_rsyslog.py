"""What a file of rsyslog may say is listed; a whole rsyslog.conf is what it adds to the system."""

from __future__ import annotations

import pytest

from labkit.facts import rsyslog

HOSTILE_RULES = {
    "a program": 'module(load="omprog")\n',
    "a program by its action": 'action(type="omprog" binary="/bin/sh")\n',
    "a program in octal": 'module(load="om\\160rog")\n',
    "a program in hexadecimal": 'module(load="om\\x70rog")\n',
    "a program by the old way": "local2.* ^/bin/sh\n",
    "a program behind a long selector": f"{';'.join(['local2.*'] * 60)} ^/bin/sh\n",
    "a program behind a property": ':msg, contains, "x" ^/bin/sh\n',
    "a program in a ruleset": 'ruleset(name="x") { action(type="omprog" binary="/x") }\n',
    "a program on the next line": "local2.* /var/log/x\n& ^/bin/sh\n",
    "a program in capitals": "$MODLOAD omprog\n",
    "a module by its path": "$ModLoad /tmp/x.so\n",
    "more configuration": "$IncludeConfig /srv/x.conf\n",
    "more configuration, anew": 'include(file="/srv/x.conf")\n',
    "a file elsewhere": "local2.* /etc/cron.d/x\n",
    "a file elsewhere, by a way round": "local2.* /var/log/../../etc/cron.d/x\n",
    "a file elsewhere, not synced": "local2.* -/home/student/.ssh/authorized_keys\n",
    "a file elsewhere, in an action": 'action(type="omfile" file="/etc/passwd")\n',
    "a file elsewhere, by an escape": 'action(type="omfile" file="/var/log/\\x2e\\x2e/x")\n',
    "a file that a template names": 'action(type="omfile" dynaFile="x")\n',
    "a file that a template names, by the old way": '$template t,"/etc/x"\nlocal2.* ?t\n',
    "a file said twice": 'action(type="omfile" file="/var/log/x" file="/etc/x")\n',
    "a pipe": "local2.* |/run/x\n",
    "a database": "local2.* >host,db,user,password\n",
    "another module's action": "local2.* :omprog:\n",
    "users' terminals": "local2.* *\n",
    "another machine": "local2.* @192.0.2.1\n",
    "settings of all": 'global(environment="LD_PRELOAD=/x.so")\n',
    "the working folder": "$WorkDirectory /etc\n",
    "a script that is asked": 'if http_request("http://x") == "1" then stop\n',
    "a backtick": "if `cat /etc/shadow` then stop\n",
    "a socket in the place of a file": "$AddUnixListenSocket /etc/passwd\n",
    "a continued line": "local2.* \\\n  ^/bin/sh\n",
    "behind a comment": "/* x */ local2.* ^/bin/sh # y\n",
    "a list of templates": 'template(name="x" type="plugin" plugin="/x")\n',
    "a queue in a file": 'action(type="omfile" file="/var/log/x" queue.filename="/etc/x")\n',
    "set-user-id": "$FileCreateMode 4755\n",
    "a file elsewhere, in an array": 'action(type="omfile" file=["/var/log/x", "/etc/x"])\n',
    "a file below, in an array": 'action(type=["omfile", "omprog"] file="/var/log/x")\n',
    "an array of what is not known": 'input(type="imudp" exec=["a", "b"])\n',
    "an object of next year": 'exec(command="/bin/sh")\n',
    "a parameter of next year": 'action(type="omfile" file="/var/log/x" exec="/bin/sh")\n',
}
HARMLESS_RULES = {
    "nothing": "",
    "a comment": "# ^/bin/sh\n/* omprog\n*/\n",
    "Debian's own": '$AddUnixListenSocket /var/lib/haproxy/dev/log\n'
                    ':programname, startswith, "haproxy" {\n  /var/log/haproxy.log\n  stop\n}\n',
    "old": "$ModLoad imudp\n$UDPServerAddress 127.0.0.1\n$UDPServerRun 514\n"
           "local2.=info -/var/log/haproxy.log;RSYSLOG_TraditionalFileFormat\n& ~\n",
    "new": 'module(load="imudp") input(type="imudp" port="514" address="127.0.0.1")\n'
           'if $syslogfacility-text == "local2" and not ($msg contains "x") then {\n'
           '  action(type="omfile" file="/var/log/haproxy/a.log" template="t")\n  stop\n}\n'
           'else /var/log/other.log\n',
    "priorities": 'if prifilt("local2.*") then { call hap stop }\n'
                  'ruleset(name="hap") { action(type="omfile" file="/var/log/haproxy.log"'
                  ' queue.workerThreads="1" action.resumeRetryCount="-1") }\n',
    "old settings": "$MaxMessageSize 64k\n$IMUXSockRateLimitInterval 0\n$PreserveFQDN on\n",
    "several ports": 'module(load="imptcp") module(load="imudp")\n'
                     'input(type="imudp" port=["514", "515"] rcvbufSize="1m")\n',
    "a template": 'template(name="t" type="list") {\n  constant(value="a\\n")\n'
                  '  property(name="msg" droplastlf="on")\n}\n$template u,"%msg%\\n"\n',
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE_RULES.values(), ids=HOSTILE_RULES)
def test_hostile_rules_are_refused(text: str) -> None:
    assert rsyslog.refused(text)


@pytest.mark.parametrize("text", HARMLESS_RULES.values(), ids=HARMLESS_RULES)
def test_hostile_are_no_usual_rules(text: str) -> None:
    assert rsyslog.refused(text) == []


# As the packages bring them, in their order; comments are left out.
EL9 = """\
global(workDirectory="/var/lib/rsyslog")
module(load="builtin:omfile" Template="RSYSLOG_TraditionalFileFormat")
include(file="/etc/rsyslog.d/*.conf" mode="optional")
module(load="imuxsock"    # for local messages
       SysSock.Use="off")
module(load="imjournal"
       UsePid="system"
       StateFile="imjournal.state")
{}
*.info;mail.none;authpriv.none;cron.none                /var/log/messages
authpriv.*                                              /var/log/secure
mail.*                                                  -/var/log/maillog
*.emerg                                                 :omusrmsg:*
uucp,news.crit                                          /var/log/spooler
local2.*                                                /var/log/haproxy.log
"""
DEBIAN = """\
module(load="imuxsock") # provides support for local system logging
module(load="imklog")   # provides kernel logging support
#module(load="immark")
{}
$FileOwner root
$FileGroup adm
$FileCreateMode 0640
$DirCreateMode 0755
$Umask 0022
$WorkDirectory /var/spool/rsyslog
$IncludeConfig /etc/rsyslog.d/*.conf
auth,authpriv.*                 /var/log/auth.log
*.*;auth,authpriv.none          -/var/log/syslog
*.=debug;\\
        auth,authpriv.none;\\
        mail.none               -/var/log/debug
*.emerg                         :omusrmsg:*
local2.*                        /var/log/haproxy.log
"""
OLD = "$ModLoad imudp\n$UDPServerRun 514"
NEW = 'module(load="imudp")\ninput(type="imudp" port="514")'


# Rocky Linux 9's own, whose comments stand within the parentheses and have some themselves.
EL9_2 = (
    EL9
    + """\
module(load="imuxsock"    # local messages (as by the logger command)
       SysSock.Use="off") # off: they come by the journal;
\t\t\t  # see below.
module(load="imjournal"  # the journal (systemd's)
       UsePid="system" # its (own) number
       StateFile="imjournal.state") # where it had come to
"""
)


@pytest.mark.parametrize("given", [EL9, EL9_2, DEBIAN])
@pytest.mark.parametrize("opening", [OLD, NEW])
def test_a_whole_file_is_taken_for_what_it_adds(given: str, opening: str) -> None:
    text = given.format(opening)
    assert rsyslog.is_whole(text)
    added = rsyslog.beside_the_systems(text)
    assert rsyslog.refused(added) == []
    assert opening in added
    assert "local2.*" in added
    assert not any(word in added for word in ("rsyslog.d", 'module(load="imuxsock', "omusrmsg"))


@pytest.mark.parametrize(
    "text", [OLD, NEW, "# $IncludeConfig /etc/rsyslog.d/*.conf\n", "$IncludeConfig /srv/x.conf\n"]
)
def test_a_file_of_rsyslog_d_is_none(text: str) -> None:
    assert not rsyslog.is_whole(text)


def test_what_is_harmful_in_a_whole_file_is_still_refused() -> None:
    text = rsyslog.beside_the_systems(EL9.format('module(load="omprog")'))
    assert rsyslog.refused(text) == ['module(load="omprog")']


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("$outchannel a,/var/log/x,9,/bin/x\nlocal2.* :omfile:$a\n", "\nlocal2.* /var/log/x\n"),
        ("  $OutChannel a-b , /var/log/x.log\nlocal2.* $a-b;T\n", "\nlocal2.* /var/log/x.log;T\n"),
        ("$outchannel a,/etc/passwd\n*.* :omfile:$a\n", "\n*.* /etc/passwd\n"),
        (NEW, NEW),
        ("local2.* :omfile:$other\n", "local2.* :omfile:$other\n"),
    ],
)  # fmt: skip
def test_an_output_channel_is_its_file_and_no_command(given: str, plain: str) -> None:
    assert rsyslog.without_channels(given) == plain


def test_an_output_channel_to_a_file_of_the_systems_is_refused() -> None:
    text = rsyslog.without_channels("$outchannel a,/etc/x,9,/bin/sh\n*.* :omfile:$a\n")
    assert rsyslog.refused(text) == ["/etc/x"]
