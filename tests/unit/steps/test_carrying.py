"""What later steps stand on is given where a submission cannot give it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labkit.classroom import GradeOptions, submission
from labkit.classroom.forward import Forward
from labkit.classroom.held import Held
from labkit.course import Foundation, Submission, Verdict, load_checks
from labkit.course.finder import load_course
from labkit.errors import NotReadyError
from labkit.facts.compose.project import PLACES
from labkit.grading import CheckResult
from steps.carrying import carry_forward
from steps.project import APART, CARRIED
from steps.recognition import recognise as recognise_files
from tests.fakes.four_steps import GOOD, MODULES, Made, folder_of, made, recognise

COURSE = load_course()
REFERENCE = COURSE.root / "steps" / "reference"
ALPHA = Foundation("a.txt", ("alpha",), ("alpha.there",))

BETA = '''
from labkit.course import check, not_met

def _is(context, name, wanted):
    shell = context.shell("web1")
    shell.asked.append(name)
    text = shell.read("/" + name) or ""
    if wanted not in text:
        not_met(expected=wanted, seen=text, where=name)

@check(points=1, hints=["look", "think", "write good"])
def test_alone(context_of_run):
    """b.txt is good."""
    _is(context_of_run, "b.txt", "good")

@check(points=1, needs="alpha.there")
def test_after(context_of_run):
    """It comes after a.txt."""

@check(points=1)
def test_both(context_of_run):
    """Both are good."""
    _is(context_of_run, "a.txt", "good")
'''


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Made]:
    """The made course; its modules are forgotten afterwards."""
    yield made(tmp_path / "course")
    for module in MODULES:
        sys.modules.pop(module, None)


def grade(
    course: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: Mapping[str, bytes],
    **options: Any,
) -> Any:  # fmt: skip
    """Grade these files on a course whose second file stands on the first."""
    (course.course.root / "checks" / "test_03_beta.py").write_text(BETA)

    def forward(submission: Submission, artefact: str, _reference: Path) -> Submission:
        files = {**submission.files, submission.sources[artefact]: GOOD[artefact]}
        return replace(submission, files=files)

    course.course = replace(
        course.course, foundations=(ALPHA,), carry_forward=forward, points_max=7.0
    )
    monkeypatch.setattr(submission, "open_shells", course.shells)
    return submission.grade_submission(
        course.course, folder_of(files), course.lab(tmp_path), tmp_path / "out",
        GradeOptions(frozenset({2, 3}), drills=False, **options),
    )  # fmt: skip


def verdicts(result: Any) -> dict[str, tuple[str, bool]]:
    return {one.id: (str(one.verdict), bool(one.carried)) for one in result.checks}


def test_what_waited_is_asked_once_more_and_says_on_what(
    course: Made,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result = grade(course, tmp_path, monkeypatch, {"a.txt": b"bad", "b.txt": b"good"})
    assert verdicts(result) == {
        "alpha.there": ("failed", False), "alpha.after": ("blocked", False),
        "beta.alone": ("passed", False),
        "beta.after": ("passed", True), "beta.both": ("passed", True),
    }  # fmt: skip
    assert course.done == ["base", "alpha", "beta", "settle",
                           "undo beta", "undo alpha", "alpha", "beta", "settle"]  # fmt: skip
    carried = next(one for one in result.checks if one.id == "beta.after").to_json()
    assert carried["carried_forward"] == ["a.txt"]
    assert result.complete


def test_what_is_wrong_in_itself_stays_so(
    course: Made,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = verdicts(grade(course, tmp_path, monkeypatch, {"a.txt": b"bad", "b.txt": b"bad"}))
    assert found["beta.alone"] == ("failed", False)
    assert found["beta.after"] == ("passed", True)


@pytest.mark.parametrize(
    ("files", "options"),
    [
        ({"a.txt": b"good", "b.txt": b"bad"}, {}),  # it is there
        ({"a.txt": b"bad", "b.txt": b"good"}, {"forward": False}),
        ({"b.txt": b"good"}, {}),  # missing: the reference has filled the gap from the start
    ],
)
def test_nothing_is_carried_without_need(
    course: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    files: dict[str, bytes], options: dict[str, Any],
) -> None:  # fmt: skip
    result = grade(course, tmp_path, monkeypatch, files, **options)
    assert not any(one.carried for one in result.checks)
    assert course.done == ["base", "alpha", "beta", "settle"]


def test_only_what_differs_is_undone_and_done_again(course: Made) -> None:
    held = Held(course.course, course.shells())
    first = recognise(dict(GOOD), Path())
    held.bring(first, 4)
    course.done.clear()
    held.bring(recognise({**GOOD, "b.txt": b"good too"}, Path()), 4)
    assert course.done == ["undo beta", "beta", "settle"]


def test_only_the_machines_where_something_was_done_are_waited_for(course: Made) -> None:
    waited: list[set[str]] = []
    course.course = replace(course.course, settle=lambda shells: waited.append(set(shells)))
    web1 = course.shells()["web1"]
    held = Held(course.course, {"web1": web1, "web2": web1})
    held.bring(recognise(dict(GOOD), Path()), 4)
    held.bring(recognise(dict(GOOD), Path()), 4)
    assert waited == [{"web1"}, set()]


def test_what_a_step_only_shows_stays_as_long_as_what_it_needs(course: Made) -> None:
    *others, last = course.course.steps
    course.course = replace(course.course, steps=[*others, replace(last, shows=True)])
    held = Held(course.course, course.shells())
    held.bring(recognise(dict(GOOD), Path()), 4)
    assert "gamma" not in course.done
    assert set(held.signatures) == {1, 2, 3, 4}
    undone: list[str] = []
    other = recognise({**GOOD, "c.txt": b"good too"}, Path())
    held.bring(other, 4, on_undo=lambda step: undone.append(step.slug))
    assert undone == ["gamma"]


# -- the course's own foundations


def results(verdicts: Mapping[str, Verdict]) -> dict[str, CheckResult]:
    """Every check passed but these."""
    return {
        name: CheckResult(name, name, 1.0, verdicts.get(name, Verdict.PASSED))
        for name in load_checks(COURSE)
    }


def own(service: bytes = b"my_api") -> Submission:
    files = {
        "api/Dockerfile": b"FROM python\n",
        "src/index.php": b'<?php $url = "http://my_api:5000/pozos/api/v1.0/get_student_ages";',
        "src/style.css": b"",
        "docker-compose.yml": b"""\
services:
  SERVICE: {image: me/student-age, build: ./api}
  web: {image: "php:apache", ports: ["8081:80"], volumes: ["./src:/var/www/html"]}
""".replace(b"SERVICE", service),
        "docker-compose.override.yml": b"services: {}",
        "docker-compose-registry.yml": b'services: {registry: {image: "registry:2"}}',
    }
    return recognise_files(files, REFERENCE)


def test_the_first_foundation_that_something_waits_for_is_given() -> None:
    brought: list[Submission] = []
    forward = Forward(COURSE, own(), brought.append)
    found = results({
        "build.runs": Verdict.FAILED, "compose.credentials": Verdict.BLOCKED,
        "verify.list": Verdict.BLOCKED, "haproxy.checked": Verdict.FAILED,
        "machines.ping": Verdict.FAILED,
    })  # fmt: skip
    again = forward(found)
    assert again is not None
    assert set(again.asked) == {"compose.credentials", "verify.list", "haproxy.checked"}
    assert {"build.runs", "dockerfile.builds"} <= set(again.taken)
    assert again.carried == ("simple_api/Dockerfile",)
    assert brought[0].options[CARRIED] == "yes"
    found["compose.credentials"].verdict = Verdict.PASSED
    more = forward(found)  # the page now, for the balancer
    assert more is not None
    assert more.carried == ("simple_api/Dockerfile", "website/index.php")
    assert set(more.asked) == {"haproxy.checked"}
    assert forward(results({"haproxy.checked": Verdict.FAILED})) is None


def test_what_was_not_handed_in_is_the_reference_already() -> None:
    nothing = recognise_files({}, REFERENCE)
    forward = Forward(COURSE, nothing, lambda _submission: None)
    found = results({"build.runs": Verdict.FAILED, "compose.credentials": Verdict.BLOCKED})
    assert forward(found) is None


def test_what_goes_into_a_filled_artefact_may_be_what_does_not_work() -> None:
    """Seen in a published folder: no Dockerfile, and a word among the requirements too many."""
    parts = {"simple_api/student_age.py": b"print()", "simple_api/requirements.txt": b"t\nflask\n"}
    brought: list[Submission] = []
    forward = Forward(COURSE, recognise_files(parts, REFERENCE), brought.append)
    again = forward(
        results({"build.runs": Verdict.BLOCKED, "compose.credentials": Verdict.BLOCKED})
    )
    assert again is not None
    assert again.carried == ("simple_api/Dockerfile",)
    assert brought[0].options[CARRIED] == "yes"


def test_machines_that_cannot_be_changed_any_more_end_it() -> None:
    def lost(_submission: Submission) -> None:
        raise NotReadyError("web1 is lost")

    found = results({"build.runs": Verdict.FAILED, "compose.credentials": Verdict.BLOCKED})
    assert Forward(COURSE, own(), lost)(found) is None


def test_the_page_of_the_reference_asks_the_student_s_service() -> None:
    carried = carry_forward(own(), "website/index.php", REFERENCE)
    assert b"http://my_api:5000/pozos" in carried.files["src/index.php"]
    assert "website/index.php" not in carried.sources
    assert carried.targets["website/index.php"] == "src/index.php"


def test_the_stack_of_the_reference_stands_in_its_own_layout() -> None:
    carried = carry_forward(own(b"backend"), "docker-compose.yml", REFERENCE)
    assert carried.sources["website/index.php"] == "website/index.php"
    assert set(carried.files) == {
        "api/Dockerfile", "src/index.php", "src/style.css", "website/index.php",
        "website/style.css", "docker-compose.yml", "docker-compose-registry.yml",
    }  # fmt: skip
    assert b"  my_api:\n" in carried.files["docker-compose.yml"]  # as the page asks for it
    page = carry_forward(carried, "website/index.php", REFERENCE)
    assert b"http://my_api:5000/pozos" in page.files["website/index.php"]


def test_the_registry_of_the_reference_takes_nothing_of_the_student_s() -> None:
    carried = carry_forward(own(), "docker-compose-registry.yml", REFERENCE)
    assert "docker-compose-registry.yml" not in carried.sources
    assert not any(name.startswith("registry:") for name in carried.options)


def test_what_is_built_apart_is_nowhere_where_a_students_file_is_looked_for() -> None:
    assert not any(f"{APART}/".startswith(f"{place}/") for place in PLACES.split())
