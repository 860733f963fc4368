"""What keepalived says of itself, and what its journal says of two masters."""

from __future__ import annotations

import pytest
from checks.keepalived import instances, masters, together

# Of keepalived 2.3.3 (Debian 13), shortened.
DUMP = """\
------< Global definitions >------
 Router ID = lb1
------< VRRP Topology >------
 VRRP Instance = shop
   VRRP Version = 2
   State = MASTER
   Flags:
     Using unicast
   Virtual Router ID = 77
   Priority = 101
   Effective priority = 101
   Advert interval = 1 sec
   Preempt = disabled
   Virtual IP (1):
     198.51.100.14/24 dev eth0 scope global set
   Unicast TTL = 255
   Unicast Peer :
     198.51.100.11 min_ttl 0 max_ttl 255
   Unicast checksum compatibility = no
   Tracked scripts :
     served weight 0
   Using smtp notification = no
------< VRRP Scripts >------
 VRRP Script = served
   Weight = 0
"""


def test_an_instance_is_what_keepalived_says_of_it() -> None:
    (one,) = instances(DUMP)
    assert (one.state, one.router, one.priority, one.interval) == ("MASTER", 77, 101, 1.0)
    assert (one.unicast, one.peers) == (True, ("198.51.100.11",))
    assert (one.addresses, one.scripts) == (("198.51.100.14",), ("served",))


def test_multicast_and_no_script_are_seen() -> None:
    text = DUMP.replace("     Using unicast\n", "").replace("     served weight 0\n", "")
    (one,) = instances(text)
    assert (one.unicast, one.scripts) == (False, ())


def test_no_instance_and_two_of_them() -> None:
    assert instances("------< VRRP Topology >------\n") == []
    body = DUMP[DUMP.index(" VRRP Instance") : DUMP.index("------< VRRP Scripts")]
    assert len(instances(DUMP.replace("------< VRRP Scripts", body + "------< VRRP Scripts"))) == 2


@pytest.mark.parametrize(
    ("priority", "interval", "seconds"),
    [("100", "1 sec", 3.609375), ("254", "1 sec", 3.0078125), ("100", "250 milli-sec", 0.90234375)],
)
def test_a_silent_master_is_replaced_after_three_intervals_and_the_skew(
    priority: str, interval: str, seconds: float
) -> None:
    text = DUMP.replace("Priority = 101", f"Priority = {priority}", 1)
    (one,) = instances(text.replace("Advert interval = 1 sec", f"Advert interval = {interval}"))
    assert one.down_after == pytest.approx(seconds)


LB1 = """\
10.5 lb1 Keepalived_vrrp[9]: (shop) Entering MASTER STATE
20.0 lb1 Keepalived_vrrp[9]: (shop) Entering BACKUP STATE
"""
LB2 = """\
8.0 lb2 Keepalived_vrrp[7]: (shop) Entering BACKUP STATE
14.0 lb2 Keepalived_vrrp[7]: (shop) Entering MASTER STATE
30.0 lb2 Keepalived[6]: Stopped Keepalived v2.3.3 (03/30,2025)
"""


def test_turns_of_a_journal() -> None:
    assert masters(LB2) == [(8.0, False), (14.0, True), (30.0, False)]
    assert masters("no line of keepalived's\n") == []


@pytest.mark.parametrize(
    ("since", "until", "seconds"), [(0.0, 40.0, 6.0), (16.0, 40.0, 4.0), (0.0, 15.0, 1.0)]
)
def test_two_masters_at_once_are_counted(since: float, until: float, seconds: float) -> None:
    assert together(LB1, LB2, since=since, until=until) == pytest.approx(seconds)
    assert together(LB1, "", since=since, until=until) == 0.0
