"""A configuration is loaded only if it is known to be harmless, by either step that brings one."""

from __future__ import annotations

import pytest

from labkit.course import Files, load_course
from labkit.errors import StepFailedError
from labkit.facts.haproxy import harmless
from labkit.grading.stepping import call
from labkit.remote import PlannedShell, Result
from steps.project import HAPROXY_BACKEND
from steps.recognition import recognise
from steps.s11_haproxy import is_unknown, refuse_configuration
from tests import ROOT

REFERENCE = ROOT / "steps" / "reference"
COURSE = load_course()
SLIP = "[ALERT]    (7) : config : parsing [/var/lib/labkit/haproxy.cfg:2] : unknown keyword '{}'"


def test_a_slip_of_the_pen_is_left_to_haproxy() -> None:
    (found,) = harmless.refused("backend x\n balanse roundrobin\n")
    assert is_unknown(found, SLIP.format("balanse") + " in 'backend' section; did you mean ...")
    assert not is_unknown(found, "")
    assert not is_unknown(found, SLIP.format("balance"))


def test_what_a_former_release_knew_is_left_to_haproxy() -> None:
    (found,) = harmless.refused("frontend x\n reqadd X:\\ y\n")
    assert is_unknown(
        found, SLIP.partition(" unknown")[0] + " The 'reqadd' directive is not supported anymore"
    )


def test_hostile_scripts_cannot_say_that_haproxy_does_not_know_them() -> None:
    (found,) = harmless.refused("global\n lua-load /x\n")
    assert not is_unknown(found, SLIP.format("lua-load"))


def test_where_files_of_haproxys_own_lie_is_said_of_a_path_that_is_refused() -> None:
    shell = PlannedShell("lb", lambda question: Result(question, "", "", 1))
    cfg = b"defaults\n errorfile 503 /etc/shadow\nbackend b\n server a web1:80\n"
    files = Files(COURSE.root, None, submission=recognise({"haproxy.cfg": cfg}, REFERENCE))
    with pytest.raises(StepFailedError, match=r"/etc/shadow \(2\); HAProxy's own .* /etc/haproxy"):
        refuse_configuration(shell, files, HAPROXY_BACKEND)


@pytest.mark.parametrize("number", [11, 12])
def test_hostile_configurations_are_asked_about_as_nobody_and_not_put_in_place(number: int) -> None:
    """Two steps bring the same file; neither loads it."""
    asked: list[str] = []

    def answer(question: str) -> Result:
        asked.append(question)
        return Result(question, "", "", 1)

    shell = PlannedShell("lb", answer)
    cfg = "global\n lua-load /x\nbackend my-backend\n server a web1:80\n"
    submission = recognise({"haproxy.cfg": cfg.encode(), "x.txt": b""}, REFERENCE)
    files = Files(COURSE.root, None, submission=submission)
    step = COURSE.step(str(number))
    assert step is not None
    with pytest.raises(StepFailedError, match=r"not started: lua-load \(2\)"):
        call(step, {"lb": shell}, files)
    assert any("sudo -n -u nobody haproxy -c" in question for question in asked)
    assert "/etc/haproxy/haproxy.cfg" not in shell.files
    assert shell.plan[-1] == "lb $ sudo systemctl stop haproxy", "nor does another one run instead"
