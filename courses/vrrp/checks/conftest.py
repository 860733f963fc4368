"""What the checks may ask for."""

from __future__ import annotations

import pytest
from subject.machines import BALANCERS, WEBS, service_address

from checks.keepalived import Instance, instance_on
from labkit.grading import Context
from labkit.lab import Lab
from labkit.remote import Shell, Shells


@pytest.fixture(scope="session")
def lab(context_of_run: Context) -> Lab:
    """The lab under test."""
    return context_of_run.lab


@pytest.fixture(scope="session")
def shells(context_of_run: Context) -> Shells:
    """All four machines, by name."""
    return {name: context_of_run.shell(name) for name in (*WEBS, *BALANCERS)}


@pytest.fixture(scope="session")
def lb1(shells: Shells) -> Shell:
    """The first balancer."""
    return shells["lb1"]


@pytest.fixture(scope="session")
def lb2(shells: Shells) -> Shell:
    """The second balancer."""
    return shells["lb2"]


@pytest.fixture(scope="session")
def moving(lab: Lab) -> str:
    """The address that moves."""
    return service_address(lab.machines()["lb1"].address)


@pytest.fixture
def first(lb1: Shell) -> Instance:
    """The instance of lb1, as it runs now."""
    return instance_on(lb1)


@pytest.fixture
def second(lb2: Shell) -> Instance:
    """The instance of lb2, as it runs now."""
    return instance_on(lb2)
