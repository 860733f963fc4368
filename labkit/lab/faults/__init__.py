"""Faults that end by themselves, whatever becomes of whoever caused them.

What ends a fault is armed on the machine itself before the fault strikes (`timed`): a lost
connection, a killed grader or a closed laptop leaves nothing broken. The one exception is a
machine without power, which cannot heal itself: a process of its own on the computer that holds
the lab switches it on again (`power`).

Everything here is a command typed on a machine, so that it works with every provider. What a
fault does to a service is the course's to know; here are containers, networks, disks, services
and power.
"""

from labkit.lab.faults.containers import freeze, kill, pause, stop
from labkit.lab.faults.disk import fill
from labkit.lab.faults.network import Way, cut, delay, errors, errors_later
from labkit.lab.faults.power import Power
from labkit.lab.faults.services import kill_service, reload_again, restart_service
from labkit.lab.faults.timed import LONGEST_FAULT_S, act, schedule, strike

__all__ = [
    "LONGEST_FAULT_S",
    "Power",
    "Way",
    "act",
    "cut",
    "delay",
    "errors",
    "errors_later",
    "fill",
    "freeze",
    "kill",
    "kill_service",
    "pause",
    "reload_again",
    "restart_service",
    "schedule",
    "stop",
    "strike",
]
