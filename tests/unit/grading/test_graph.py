"""What a check waits for, and what is to blame when it cannot be asked."""

from __future__ import annotations

import pytest

from labkit.course import CheckSpec, Verdict
from labkit.errors import LabkitError
from labkit.grading.graph import Graph, Node
from labkit.grading.model import CheckResult

P, F, B, I = Verdict.PASSED, Verdict.FAILED, Verdict.BLOCKED, Verdict.INCONCLUSIVE  # noqa: E741


def node(name: str, step: int, *needs: str, points: float = 1, disturbs: bool = False) -> Node:
    return Node(name, step, CheckSpec(points, needs=needs, disturbs=disturbs))


def course() -> Graph:
    """A small course: up needs the image and both files; the page needs the whole of `deploy`."""
    return Graph(
        [
            node("build.image", 3),
            node("compose.file", 4),
            node("deploy.up", 5, "build.image", "compose.file"),
            node("deploy.told", 5, points=0),
            node("deploy.reboot", 5, "deploy.up", disturbs=True),
            node("verify.page", 7, "deploy"),
        ]
    )


def results(**verdicts: Verdict) -> dict[str, CheckResult]:
    """Results by id, given as `build_image=...`."""
    ids = {name.replace("_", ".", 1): verdict for name, verdict in verdicts.items()}
    return {name: CheckResult(name, name, 1, verdict) for name, verdict in ids.items()}


def test_a_step_stands_for_its_checks_that_count_and_disturb_nothing() -> None:
    assert course().parents["verify.page"] == ("deploy.up",)


def test_ancestors_are_found_over_several_parents() -> None:
    assert course().with_ancestors(["verify.page"]) == {
        "verify.page", "deploy.up", "build.image", "compose.file",
    }  # fmt: skip


def test_nothing_is_in_the_way_when_the_parents_passed() -> None:
    assert course().obstacle("deploy.up", results(build_image=P, compose_file=P)) is None


def test_a_failed_parent_blocks() -> None:
    found = course().obstacle("deploy.up", results(build_image=P, compose_file=F))
    assert found == (B, "compose.file")


def test_the_root_cause_is_named_not_the_nearest_blocked_check() -> None:
    known = results(deploy_up=B)
    known["deploy.up"].because = "build.image"
    assert course().obstacle("verify.page", known) == (B, "build.image")


def test_a_doubt_makes_what_follows_inconclusive_with_its_root() -> None:
    known = results(deploy_up=I)
    known["deploy.up"].because = "build.image"
    assert course().obstacle("verify.page", known) == (I, "build.image")


def test_a_failure_outweighs_a_doubt_whichever_comes_first() -> None:
    assert course().obstacle("deploy.up", results(build_image=I, compose_file=F)) == (
        B, "compose.file",
    )  # fmt: skip
    assert course().obstacle("deploy.up", results(build_image=F, compose_file=I)) == (
        B, "build.image",
    )  # fmt: skip


def test_the_first_of_two_doubts_is_named() -> None:
    found = course().obstacle("deploy.up", results(build_image=I, compose_file=I))
    assert found == (I, "build.image")


@pytest.mark.parametrize("needs", ["verify.page", "verify", "build.image", "nothing.there"])
def test_a_check_cannot_need_what_does_not_come_before_it(needs: str) -> None:
    with pytest.raises(LabkitError, match=f"build.image needs {needs}"):
        Graph([node("build.image", 3, needs), node("verify.page", 7)])
