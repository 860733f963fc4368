"""A whole rsyslog.conf, read as what it adds to the system's own."""

from __future__ import annotations

import pytest

from labkit.facts import rsyslog

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


@pytest.mark.parametrize("given", [EL9, DEBIAN])
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
