"""What Vagrant prints, and the traps in it that python-vagrant falls into."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.lab.vagrant.reading import State, VagrantExitError, rows, ssh_hosts, states


def test_rows_of_one_machine_need_not_be_adjacent() -> None:
    output = (
        "1,web1,provider-name,libvirt\n"
        "1,web2,provider-name,libvirt\n"
        "1,web1,state,running\n"
        "1,web2,state,shutoff\n"
    )
    assert states(output) == {
        "web1": State("web1", "running", "libvirt"),
        "web2": State("web2", "shutoff", "libvirt"),
    }


def test_mixed_states_tell_apart_what_exists_and_what_runs() -> None:
    found = states("1,web1,state,running\n1,web2,state,poweroff\n1,lb,state,not_created\n")
    assert [(each.exists, each.running) for each in found.values()] == [
        (True, True),
        (True, False),
        (False, False),
    ]


def test_an_error_exit_is_raised_with_its_class_and_its_words() -> None:
    output = (
        "1,web1,state,running\n"
        "1,,error-exit,Vagrant::Errors::MachineNotFound,"
        "No machine 'api'%!(VAGRANT_COMMA)\\nlook again.\n"
    )
    with pytest.raises(VagrantExitError) as caught:
        states(output)
    assert caught.value.kind == "Vagrant::Errors::MachineNotFound"
    assert caught.value.what == "No machine 'api',\nlook again."


def test_commas_written_or_escaped_stay_in_the_data() -> None:
    (row,) = rows("1,web1,state-human-long,To stop it%!(VAGRANT_COMMA) halt,and more\n")
    assert row.fields == ("To stop it, halt", "and more")
    assert row.value == "To stop it, halt"


@pytest.mark.parametrize("output", ["", "\n\n", "1,,ui,info,Current machine states:\\n\n"])
def test_an_empty_status_is_no_machine(output: str) -> None:
    assert states(output) == {}


def test_warnings_of_ruby_between_the_rows_are_passed_over() -> None:
    output = "/usr/lib/x.rb:3: warning: a,b,c,d\n1,lb,state,running\n[fog][WARNING] a, b\n"
    assert states(output) == {"lb": State("lb", "running", "")}


def test_each_machine_keeps_its_own_login() -> None:
    output = (
        "Host web1\n  HostName 127.0.0.1\n  User vagrant\n  Port 2222\n"
        '  IdentityFile "/home/me/my labs/key1"\n  IdentityFile /home/me/second\n\n'
        "Host lb\n  HostName 127.0.0.1\n  User vagrant\n  Port 2200\n  IdentityFile /k/lb\n"
    )
    found = ssh_hosts(output)
    assert found["web1"].key == Path("/home/me/my labs/key1")  # the first, as ssh takes it
    assert (found["web1"].port, found["lb"].port) == (2222, 2200)


def test_a_block_that_nobody_could_log_in_with_is_left_out() -> None:
    assert ssh_hosts("Host web1\n  HostName 10.0.0.1\n  Port 22\n") == {}
    assert ssh_hosts("") == {}
