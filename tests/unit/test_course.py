"""The course is well-formed: steps, checks, points, hints, drills and pages belong together."""

from __future__ import annotations

import ast
import inspect
import re

import pytest

from labkit.course import CheckSpec, Drill, Step, load_course
from labkit.grading.graph import Graph, Node
from tests import ROOT
from tests.fakes.practical import CHECKS, COURSE, Check, check_file, functions_of

SLUGS = (
    "machines", "dockerfile", "build", "compose", "deploy", "index", "verify", "registry",
    "registry-ui", "second-server", "haproxy", "stats", "failover",
)  # fmt: skip
POINTS = (1, 2, 1.5, 2, 1.5, 1.5, 1, 2, 1, 1, 2.5, 1, 2)
SENTENCE = re.compile(r"\S.*[^.]\.\Z", re.DOTALL)


STEP = pytest.mark.parametrize("step", COURSE.steps, ids=lambda step: step.slug)
CHECK = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)


def test_thirteen_steps_in_the_order_of_the_practical() -> None:
    assert [step.number for step in COURSE.steps] == list(range(1, 14))
    assert [step.letter for step in COURSE.steps] == list("abcdefghijklm")
    assert tuple(step.slug for step in COURSE.steps) == SLUGS


@STEP
def test_a_step_is_found_by_each_of_its_names(step: Step) -> None:
    for name in (str(step.number), step.letter, step.slug, step.slug.upper(), f" {step.number} "):
        assert COURSE.step(name) is step


def test_number_letter_and_slug_of_nothing_are_none() -> None:
    assert [COURSE.step(name) for name in ("0", "14", "n", "", "dockerfil", "all")] == [None] * 6


@STEP
def test_a_step_has_its_title_in_both_languages_and_its_letter_in_its_module(step: Step) -> None:
    assert set(step.titles) == {"en", "fr"}
    assert all(step.titles.values())
    assert step.title("fr") == step.titles["fr"]
    assert step.title("de") == step.titles["en"]
    assert (step.run.__doc__ or "").strip()
    module = inspect.getmodule(step.run)
    assert module
    assert module.__name__ == f"steps.s{step.number:02}_{step.slug.replace('-', '_')}"
    assert re.match(rf"{step.letter}\) \S.*\.\Z", inspect.getdoc(module) or "")


@STEP
def test_a_step_works_on_machines_that_exist(step: Step) -> None:
    assert set(step.on) <= set(load_course().blueprint.names)


@STEP
def test_a_steps_artefacts_are_in_the_starter_and_have_a_reference(step: Step) -> None:
    for artefact in step.artefacts:
        assert (ROOT / "steps" / "starter" / artefact.path).is_file()
        reference = ROOT / "steps" / "reference" / artefact.reference_path
        assert reference.read_text(encoding="utf-8").strip()
        assert re.search(artefact.marker, reference.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(artefact.machines) <= set(load_course().blueprint.names)
        if artefact.later:
            later = ROOT / "steps" / "reference" / artefact.later
            assert later.read_bytes().startswith(reference.read_bytes())


def test_what_a_student_writes_is_asked_for_once_or_in_two_stages() -> None:
    """The registry's file and HAProxy's grow over two steps; everything else belongs to one."""
    asked = [artefact.path for step in COURSE.steps for artefact in step.artefacts]
    twice = sorted({path for path in asked if asked.count(path) > 1})
    assert twice == ["docker-compose-registry.yml", "haproxy/haproxy.cfg"]
    assert len(asked) == len(set(asked)) + 2


@STEP
def test_a_step_has_its_checks_and_a_page_in_both_languages(step: Step) -> None:
    assert check_file(step).is_file()
    for language in ("en", "fr"):
        assert (ROOT / "docs" / language / f"{step.number:02}-{step.slug}.md").is_file()


def test_no_file_of_checks_is_without_a_step() -> None:
    found = sorted((ROOT / "checks").glob("test_*.py"))
    assert found == [check_file(step) for step in COURSE.steps]


@STEP
def test_a_steps_checks_are_worth_its_points(step: Step) -> None:
    assert sum(one.spec.points for one in CHECKS if one.step is step) == POINTS[step.number - 1]


def test_the_points_add_up_to_a_french_mark() -> None:
    assert sum(one.spec.points for one in CHECKS) == sum(POINTS) == COURSE.points_max == 20


@STEP
def test_every_test_of_a_step_is_a_check_and_its_name_is_used_once(step: Step) -> None:
    """A test without `@check` would run and count for nothing; of two of a name, one is lost."""
    for name, function in functions_of(step).items():
        assert isinstance(vars(function).get("labkit_check"), CheckSpec), name
    tree = ast.parse(check_file(step).read_text(encoding="utf-8"))
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert len(names) == len(set(names))


@STEP
def test_a_step_can_be_verified_without_disturbing_anything(step: Step) -> None:
    """`labkit step` and `labkit check` ask only such checks; without one, no step would end."""
    assert any(one.step is step and not one.spec.disturbs for one in CHECKS)


@CHECK
def test_a_check_says_in_a_sentence_what_must_hold(check: Check) -> None:
    assert SENTENCE.match(check.sentence), check.sentence
    assert "\n\n" not in check.sentence


@CHECK
def test_a_check_with_points_has_three_hints(check: Check) -> None:
    hints = [hint.strip() for hint in check.spec.hints]
    if check.spec.points:
        assert len(hints) == 3
    assert all(hints)
    assert len(set(hints)) == len(hints)


def test_every_need_of_a_check_resolves() -> None:
    """Graph raises on what does not exist or does not come before."""
    graph = Graph([Node(one.id, one.step.number, one.spec) for one in CHECKS])
    assert set(graph.nodes) == {one.id for one in CHECKS}
    for one in CHECKS:
        assert len(graph.parents[one.id]) >= len(one.spec.needs)


def test_only_the_first_step_and_nothing_else_needs_nothing() -> None:
    """A check without a parent would blame the student for what an earlier step left open."""
    free = [one for one in CHECKS if not one.spec.needs]
    assert {one.step.slug for one in free} == {"machines"}


@STEP
def test_a_step_needs_only_steps_before_it(step: Step) -> None:
    for slug in step.needs:
        needed = COURSE.step(slug)
        assert needed
        assert needed.number < step.number
    assert step.number == 1 or "machines" in step.needs


@CHECK
def test_a_drill_that_a_check_names_exists_and_has_a_course_bar(check: Check) -> None:
    if check.spec.drill:
        found = [drill for drill in COURSE.drills if drill.name == check.spec.drill]
        assert len(found) == 1
        assert "course" in found[0].limits
        assert check.spec.disturbs


def test_some_checks_name_a_drill() -> None:
    """Without one, the test above would prove nothing."""
    assert {one.spec.drill for one in CHECKS} - {""}


@pytest.mark.parametrize("drill", COURSE.drills, ids=lambda drill: drill.name)
def test_a_drill_can_be_run(drill: Drill) -> None:
    """Its scenario exists, its machine and its step too, and its fault heals before the load
    ends.
    """
    assert (ROOT / "checks" / "load" / f"{drill.load.scenario}.py").is_file()
    assert drill.entry in COURSE.blueprint.names
    assert COURSE.step(drill.step)
    assert drill.fault_at_s + drill.heal_after_s < drill.duration_s
    assert set(drill.limits) <= {"course", "hardened"}
    assert {"en", "fr"} <= set(drill.titles)


@pytest.mark.parametrize("drill", COURSE.drills, ids=lambda drill: drill.name)
def test_a_drill_asks_for_nothing_that_nobody_can_tell_it(drill: Drill) -> None:
    """Without a balancer nobody sees a detection, a flap or a balancer's share of the losses."""
    asked = {
        name for bar in drill.limits.values() for name, limit in vars(bar).items()
        if limit is not None
    }  # fmt: skip
    assert drill.watched or not asked & {"detect_s", "recover_s", "flaps", "uneven"}
    assert drill.executed or not asked & {"duplicates", "ghosts"}
    assert drill.judge or "untrue" not in asked
    assert drill.watched or not (drill.promise or drill.predictable)
    if drill.judge:
        assert all(bar.untrue == 0 for bar in drill.limits.values())


@pytest.mark.parametrize("drill", COURSE.drills, ids=lambda drill: drill.name)
def test_a_drill_is_worth_points_in_the_step_that_it_belongs_to_or_nowhere(drill: Drill) -> None:
    assert {one.step.slug for one in CHECKS if one.spec.drill == drill.name} <= {drill.step}


def test_the_mention_is_asked_of_drills_that_have_a_hardened_bar() -> None:
    """Its own, and those of the mark: without one of each, `award` could tell nothing."""
    hardened = {drill.name for drill in COURSE.drills if "hardened" in drill.limits}
    mention = {drill.name for drill in COURSE.drills if drill.mention}
    assert mention
    assert mention <= hardened
    assert hardened & {one.spec.drill for one in CHECKS}


def test_drills_have_names_of_their_own() -> None:
    names = [drill.name for drill in COURSE.drills]
    assert len(set(names)) == len(names)
