"""The machines of a course: one list, which both providers and the Vagrantfile read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labkit.course import MachineSpec, find_blueprint, load_course, read_blueprint
from labkit.course.blueprint import MOST
from labkit.errors import UsageError


def course(folder: Path, *machines: dict[str, Any]) -> Path:
    (folder / "course").mkdir()
    text = json.dumps({"machines": machines})
    (folder / "course" / "machines.json").write_text(text, encoding="utf-8")
    return folder


def machine(number: int, **more: object) -> dict[str, Any]:
    return {"name": f"m{number}", "role": "any", "address": 10 + number, **more}


def test_the_course_has_the_machines_that_are_found_without_importing_it() -> None:
    assert load_course().blueprint == find_blueprint()
    assert find_blueprint().names == ("web1", "web2", "lb")


def test_any_number_of_machines_in_the_order_of_the_list(tmp_path: Path) -> None:
    listed = [machine(number) for number in reversed(range(MOST))]
    found = read_blueprint(course(tmp_path, *listed))
    assert found.names == tuple(one["name"] for one in listed)
    assert found.machine("m3") == MachineSpec("m3", "any", 13)
    assert found.images is None
    assert [found.order(name) for name in ("m15", "m0", "web1")] == [0, 15, 16]
    with pytest.raises(UsageError, match="no machine 'web1'"):
        found.machine("web1")


def test_what_is_described_is_read_again_as_it_was(tmp_path: Path) -> None:
    found = read_blueprint(course(tmp_path, machine(1, memory=2048, ports=[80, 443])))
    again = tmp_path / "again"
    again.mkdir()
    assert read_blueprint(course(again, *json.loads(found.described)["machines"])) == found


def test_packages_are_words_that_a_package_manager_can_be_given(tmp_path: Path) -> None:
    file = course(tmp_path, machine(1)) / "course" / "machines.json"
    listed = json.loads(file.read_text())
    file.write_text(json.dumps(listed | {"packages": {"debian": ["g++", "libapr1.0"]}}))
    assert read_blueprint(tmp_path).packages == {"debian": ("g++", "libapr1.0")}
    read_blueprint.cache_clear()
    file.write_text(json.dumps(listed | {"packages": {"debian": ["nginx; reboot"]}}))
    with pytest.raises(UsageError, match="nginx; reboot"):
        read_blueprint(tmp_path)


def test_the_user_of_the_machines_is_the_courses(tmp_path: Path) -> None:
    file = course(tmp_path, machine(1)) / "course" / "machines.json"
    listed = json.loads(file.read_text())
    assert read_blueprint(tmp_path).user == "user"
    read_blueprint.cache_clear()
    file.write_text(json.dumps(listed | {"user": "ada"}))
    assert read_blueprint(tmp_path).user == "ada"


@pytest.mark.parametrize("name", ["", "Ada", "a b", "../etc", "-u", "a ALL=(ALL)", 7])
def test_a_user_whom_no_system_takes_is_refused(tmp_path: Path, name: object) -> None:
    file = course(tmp_path, machine(1)) / "course" / "machines.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"user": name}))
    with pytest.raises(UsageError, match="the list of machines cannot be read"):
        read_blueprint(tmp_path)


@pytest.mark.parametrize(
    "machines",
    [
        [],
        [machine(1), machine(1, address=20)],
        [machine(1), machine(2, address=11)],
        [machine(1, address=2)],
        [machine(1, address=255)],
        [machine(number) for number in range(MOST + 1)],
    ],
    ids=["none", "one name twice", "one address twice", "the mirror's", "broadcast", "too many"],
)
def test_a_list_that_cannot_be_right_is_refused(
    tmp_path: Path, machines: list[dict[str, Any]]
) -> None:
    with pytest.raises(UsageError, match="1 to 16 machines") as caught:
        read_blueprint(course(tmp_path, *machines))
    assert caught.value.where.endswith("course/machines.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"machines": [{"name": "a"}]}', "no JSON"])
def test_a_list_that_cannot_be_read_is_a_sentence(tmp_path: Path, text: str) -> None:
    root = course(tmp_path)
    (root / "course" / "machines.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="the list of machines cannot be read"):
        read_blueprint(root)
