"""What is said of a check before it is asked: `labkit explain`, its texts and the hints, in the
language that was asked for."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from labkit import locale
from labkit.cli import v_check
from labkit.course import Drill, Limits, Load, Verdict, load_course
from labkit.errors import UsageError
from labkit.grading.explain import Declared, drill_of, fault_words, find_check, read_checks
from labkit.grading.model import CheckResult, GradeResult, StepResult
from tests.fakes.command_line import Outcome, Run

COURSE = load_course()
CHECKS = read_checks(COURSE)
CHECK = pytest.mark.parametrize("check", CHECKS.values(), ids=list(CHECKS))
FOR_INFORMATION = {"registry.private"}  # it says what it sees, and never fails


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No language chosen, no colour, wide enough for every sentence; nobody's lab."""
    for name in [one for one in os.environ if one.startswith(("LABKIT_", "LC_", "LANG"))]:
        monkeypatch.delenv(name)
    # Restored at the end, also if the command line sets it meanwhile.
    monkeypatch.setenv("LABKIT_LANG", "")
    monkeypatch.setenv("LABKIT_LAB", "nobodys-lab")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "600")
    monkeypatch.setattr(locale, "_course_catalogues", [])
    locale._catalogue.cache_clear()
    yield
    locale._catalogue.cache_clear()


# -- the texts of the checks


@CHECK
def test_a_check_says_what_it_probes_and_why_it_matters(check: Declared) -> None:
    for text in (check.spec.probes, check.spec.why):
        assert text == text.strip() != ""
        assert text.endswith(".")
        assert 30 < len(text) < 420
    assert check.spec.probes != check.spec.why


@CHECK
def test_a_drill_is_named_by_the_check_that_judges_it(check: Declared) -> None:
    if check.spec.drill:
        assert f"drill {check.spec.drill} " in check.spec.probes


@CHECK
def test_a_check_that_can_fail_has_three_hints(check: Declared) -> None:
    """A question, the idea, the answer."""
    hints = check.spec.hints
    assert len(hints) == (0 if check.id in FOR_INFORMATION else 3)
    if hints:
        assert hints[0].endswith("?") or "? " in hints[0]


@pytest.mark.parametrize("step", COURSE.steps, ids=lambda step: step.slug)
def test_no_two_checks_of_a_step_share_all_their_hints(step: object) -> None:
    told = Counter(one.spec.hints for one in CHECKS.values() if one.step is step)
    told.pop((), None)
    assert [hints for hints, times in told.items() if times > 1] == []


# -- finding


def test_a_check_is_found_by_its_name_however_it_is_written() -> None:
    for name in ("haproxy.checked", " HAProxy.Checked "):
        assert find_check(COURSE, CHECKS, name).id == "haproxy.checked"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("haproxy.cheked", "haproxy.checked"),
        ("checked", "haproxy.checked"),
        ("second_server.alone", "second-server.alone"),
        ("failover.kil", "failover.kill"),
        ("haprox", "haproxy"),
        ("xyzzy", "all"),
        ("99", "all"),
    ],
)
def test_a_name_that_is_misspelt_suggests_the_nearest(typed: str, meant: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_check(COURSE, CHECKS, typed)
    assert caught.value.then == f"labkit explain {meant}"
    assert repr(typed) in caught.value.what


def test_who_waits_for_whom_is_said_on_both_sides() -> None:
    for one in CHECKS.values():
        assert all(one.id in CHECKS[parent].awaited_by for parent in one.waits_for)
        assert all(one.id in CHECKS[child].waits_for for child in one.awaited_by)
    assert "deploy.running" in CHECKS["compose.harmless"].awaited_by


def test_a_check_knows_the_drill_that_it_judges() -> None:
    for one in CHECKS.values():
        drill = drill_of(COURSE, one)
        assert (drill.name if drill else "") == one.spec.drill


def test_a_control_breaks_nothing() -> None:
    def control(**details: bool) -> Drill:
        return Drill(
            "none",
            {"en": "calm"},
            "failover",
            "lb",
            Load("x"),
            print,
            {"course": Limits()},
            **details,
        )  # type: ignore[arg-type]

    assert fault_words(control(control=True)) == "calm"
    assert fault_words(control()) == "calm; 5 s after the start, undone 10 s later at the latest"


# -- the verb


def test_a_check_is_explained_without_a_lab(labkit: Run) -> None:
    code, out, err = labkit("explain", "haproxy.checked")
    assert (code, err) == (0, "")
    spec = CHECKS["haproxy.checked"].spec
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == "haproxy.checked · Each server has a health check."
    assert lines[1:] == [
        "step 11 · k · HAProxy in front",
        "points 0.5",
        f"what is probed {spec.probes}",
        f"why it matters {spec.why}",
        "waits for haproxy.backend · The backend that visitors reach has both web servers.",
        f"awaited by haproxy.reloads · {CHECKS['haproxy.reloads'].sentence}",
        f"stats.truth · {CHECKS['stats.truth'].sentence}",
        f"failover.ready · {CHECKS['failover.ready'].sentence}",
        f"failover.stop · {CHECKS['failover.stop'].sentence}",
        f"failover.kill · {CHECKS['failover.kill'].sentence}",
        "to ask it labkit check 11",
        "hints labkit hint 11 (one more each time)",
    ]


@CHECK
def test_every_check_can_be_explained_and_no_answer_is_given_away(
    labkit: Run, check: Declared
) -> None:
    code, out, err = labkit("explain", check.id)
    assert (code, err) == (0, "")
    assert check.sentence in out
    assert not any(hint in out for hint in check.spec.hints)
    assert ("labkit drill" if check.spec.drill else f"labkit check {check.step.number}") in out


def test_of_a_drill_load_fault_and_limits_at_each_bar_are_told(labkit: Run) -> None:
    out = " ".join(labkit("explain", "failover.kill").out.split())
    drill = next(one for one in COURSE.drills if one.name == "kill")
    assert "drill kill load 50 requests/s to lb for 34 s" in out
    assert "fault web1's website is killed; 3 s after the start, undone 18 s later" in out
    assert f"limits, course requests lost ≤ {drill.limits['course'].lost} ·" in out
    assert "limits, hardened GET requests lost ≤ 0 · POST requests lost ≤ 2 ·" in out
    assert "labkit drill kill (its points: labkit grade)" in out


def test_a_check_that_waits_for_nothing_says_nothing_of_it(labkit: Run) -> None:
    out = labkit("explain", "machines.names").out
    assert "waits for" not in out
    assert "awaited by" not in out


@pytest.mark.parametrize("name", ["11", "k", "haproxy"])
def test_of_a_step_each_check_is_named_in_a_line(labkit: Run, name: str) -> None:
    code, out, err = labkit("explain", name)
    mine = [one for one in CHECKS.values() if one.step.slug == "haproxy"]
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:]] == [one.id for one in mine]
    assert all(one.sentence in out for one in mine)
    assert err == "next: labkit explain haproxy.runs\n"


def test_without_a_name_every_check_is_named(labkit: Run) -> None:
    assert len(labkit("explain").out.splitlines()) == len(CHECKS) + 1


def test_a_misspelt_name_ends_in_2_with_the_one_that_was_meant(labkit: Run) -> None:
    assert labkit("explain", "haproxy.cheked") == Outcome(
        2,
        "",
        "labkit: there is no check and no step 'haproxy.cheked'\n"
        "  next   labkit explain haproxy.checked\n",
    )


# -- the language


FRENCH = (["--lang", "fr"], {}), ([], {"LANG": "fr_FR.UTF-8"}), ([], {"LABKIT_LANG": "fr_CA"})
ENGLISH = (
    (["--lang", "en"], {"LANG": "fr_FR.UTF-8", "LABKIT_LANG": "fr"}),
    ([], {}),
    (
        [],
        {"LANG": "de_DE.UTF-8"},
    ),
)


@pytest.mark.parametrize(("words", "environment"), FRENCH)
def test_explain_speaks_french(
    labkit: Run, monkeypatch: pytest.MonkeyPatch, words: list[str], environment: dict[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    out = labkit(*words, "explain", "haproxy.checked").out
    assert out.startswith("haproxy.checked · Chaque serveur est surveillé par un test de santé.\n")
    for word in ("étape", "ce qui est vérifié", "pourquoi", "attend ", "indices"):
        assert word in out
    err = labkit(*words, "explain", "haproxy.cheked").err
    assert err.startswith("labkit: il n'y a ni vérification ni étape 'haproxy.cheked'\n")


@pytest.mark.parametrize(("words", "environment"), ENGLISH)
def test_a_language_named_on_the_command_line_wins_and_english_is_the_last_resort(
    labkit: Run, monkeypatch: pytest.MonkeyPatch, words: list[str], environment: dict[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert "Each server has a health check." in labkit(*words, "explain", "haproxy.checked").out


@pytest.mark.parametrize(("words", "environment"), FRENCH)
def test_check_speaks_french(
    labkit: Run, monkeypatch: pytest.MonkeyPatch, words: list[str], environment: dict[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    @contextmanager
    def grading(*_given: object) -> Iterator[SimpleNamespace]:
        locale.use_course(COURSE.root)
        yield SimpleNamespace(course=COURSE)

    monkeypatch.setattr(v_check, "the_lab", lambda *_: SimpleNamespace(require_running=print))
    monkeypatch.setattr(v_check, "grading", grading)
    monkeypatch.setattr(v_check, "grade", lambda *_given, **_more: one_failure())
    code, out, _err = labkit(*words, "check", "11")
    assert code == 1
    assert "ÉCHOUÉ" in out
    assert "Chaque serveur est surveillé par un test de santé." in out
    assert "Que fait HAProxy de web2 quand celui-ci s'arrête\u00a0?" in out
    assert "à régler ensuite" in out or "labkit check 11" in out


def one_failure() -> GradeResult:
    """What a run finds, worded in the language of the moment."""
    check = CHECKS["haproxy.checked"]
    found = CheckResult(
        id=check.id,
        title=locale.translate(check.sentence),
        points_max=check.spec.points,
        verdict=Verdict.FAILED,
        expected=locale.translate("both servers with a health check"),
        seen=locale.translate("{name} has none", name="web2"),
        hints=tuple(locale.translate(hint) for hint in check.spec.hints),
    )
    step = StepResult(11, "k", "haproxy", check.step.title(locale.language()), checks=[found])
    return GradeResult("course", "0", {}, "", score_max=20, learner="", steps=[step])


@pytest.mark.parametrize("words", [["--lang", "de"], ["--lang"], ["--lang", "FR_fr"]])
def test_a_language_that_labkit_does_not_speak_is_refused(labkit: Run, words: list[str]) -> None:
    code, out, err = labkit(*words, "explain", "11")
    assert (code, out) == (2, "")
    assert "--lang" in err
