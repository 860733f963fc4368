"""Tools that are not ours: what they are asked, and when they have nothing to say."""

from __future__ import annotations

import pytest

from checks import opinions
from labkit.course import Submission
from labkit.remote import PlannedShell, Result

CFG = Submission({"tp/ha.cfg": b"global"}, {"haproxy/haproxy.cfg": "tp/ha.cfg"})
EMPTY = Submission({"README.md": b"x"})


class Machine:
    """One that answers a tool's question so, and everything else well."""

    def __init__(self, said: str = "", code: int = 0) -> None:
        self.asked: list[str] = []
        self.said, self.code = said, code
        self.shell = PlannedShell("lb", self.answer)

    def answer(self, command: str) -> Result:
        self.asked.append(command)
        if command.startswith(("cd ", "rsyslogd", "sudo")):
            return Result(command, "", self.said, self.code)
        return Result(command, "", "", 0)


@pytest.mark.parametrize(
    ("said", "code", "opinion"),
    [
        ("Configuration file is valid", 0, ""),
        ("[ALERT] parsing [haproxy.cfg:1]: unknown keyword", 1,
         "[ALERT] parsing [haproxy.cfg:1]: unknown keyword"),
        ("", 1, "1"),
        ("unable to stat SSL certificate from file '/etc/haproxy/site.pem'", 1, None),
    ],
)  # fmt: skip
def test_a_tool_that_lacks_something_has_nothing_to_say(
    said: str, code: int, opinion: str | None
) -> None:
    machine = Machine(said, code)
    assert opinions.haproxy(CFG, {"lb": machine.shell}) == opinion


def test_a_tool_leaves_nothing_on_the_machine() -> None:
    machine = Machine()
    opinions.haproxy(CFG, {"lb": machine.shell})
    (made,) = (one.split()[1] for one in machine.asked if one.startswith("mkdir"))
    assert machine.asked[-1] == f"rm -rf {made}"
    assert any(one.startswith(f"cd {made} && haproxy -c -f haproxy.cfg") for one in machine.asked)


def test_compose_reads_the_file_among_the_others_and_its_name_is_quoted() -> None:
    machine = Machine()
    files = {"it's.yml": b"services: {}", "common.yml": b"{}"}
    submission = Submission(files, {"docker-compose.yml": "it's.yml"})
    assert opinions.compose(submission, {"web1": machine.shell}) == ""
    assert any("-f 'it'\"'\"'s.yml' config --quiet" in one for one in machine.asked)


@pytest.mark.parametrize("opinion", opinions.OPINIONS, ids=lambda one: one.tool)
def test_of_what_was_not_handed_in_nothing_is_said(opinion: opinions.Opinion) -> None:
    machine = Machine()
    shells = {"web1": machine.shell, "lb": machine.shell}
    assert opinion.says(EMPTY, shells) is None
    assert machine.asked == []


@pytest.mark.parametrize(
    ("text", "accepts"), [("FROM a\nRUN <<E\nls\nE\n", True), ("# nothing\n", False)]
)
def test_buildkits_own_parser(text: str, accepts: bool) -> None:
    pytest.importorskip("dockerfile", reason="no wheel for this computer")
    submission = Submission({"D": text.encode()}, {"simple_api/Dockerfile": "D"})
    assert (opinions.buildkit(submission, {}) == "") is accepts
