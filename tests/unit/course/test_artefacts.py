"""Whose file is it? A student's is never overwritten, wherever it lies."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from labkit.course import Artefact, Files, Origin, load_course
from labkit.course.artefacts import LARGEST_ARTEFACT, MANIFEST
from labkit.errors import UsageError

RECIPE = Artefact("app/Dockerfile", "/srv/app/Dockerfile", ("web1",))
PAGE = Artefact("site/index.php", "/srv/site/index.php", ("web1",))
FIRST = Artefact(
    "proxy/proxy.cfg",
    "/etc/proxy.cfg",
    ("lb",),
    reference="proxy/proxy-1.cfg",
    sudo=True,
    marker="my-backend",
    later="proxy/proxy.cfg",
)
SECOND = Artefact("proxy/proxy.cfg", "/etc/proxy.cfg", ("lb",), sudo=True, marker="my-backend")
HARDENED = "backend my-backend\noption redispatch\n"
THIRD = Artefact(
    "proxy/proxy.cfg",
    "/etc/proxy.cfg",
    ("lb",),
    sudo=True,
    marker="my-backend",
    distinction="proxy/proxy-hardened.cfg",
)

COURSE = load_course()


class FakeMachine:
    """A machine that is a dictionary of files, and who wrote which."""

    name = "web1"

    def __init__(self, **files: str) -> None:
        self.files: dict[str, bytes] = {path: text.encode() for path, text in files.items()}
        self.written: list[str] = []
        self.by_root: set[str] = set()

    def read(self, path: str, *, root: bool = False) -> str | None:
        del root
        return self.files[path].decode() if path in self.files else None

    def write(
        self,
        path: str,
        content: bytes | str,
        *,
        mode: str = "0644",
        root: bool = False,
        quiet: bool = False,
    ) -> bool:
        del mode, quiet
        data = content.encode() if isinstance(content, str) else content
        if self.files.get(path) == data:
            return False
        self.files[path] = data
        self.written.append(path)
        if root:
            self.by_root.add(path)
        return True

    def text(self, path: str) -> str:
        return self.files[path].decode()

    @property
    def manifest(self) -> dict[str, str]:
        """What labkit remembers of its own files."""
        found: dict[str, str] = json.loads(self.files.get(MANIFEST, b"{}"))
        return found


def machine(artefact: Artefact | None = None, text: str = "") -> FakeMachine:
    """A machine, with an artefact's file as somebody left it there."""
    return FakeMachine(**({artefact.remote: text} if artefact else {}))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A small course: a file that is empty at the start, a page that is edited, two stages."""
    files = {
        "starter/app/Dockerfile": "",
        "starter/site/index.php": "http://<api>/",
        "starter/app/main.py": "print(1)\n",
        "starter/proxy/proxy.cfg": "",
        "reference/app/Dockerfile": "FROM reference\n",
        "reference/site/index.php": "http://api:5000/",
        "reference/proxy/proxy-1.cfg": "backend my-backend\n",
        "reference/proxy/proxy.cfg": "backend my-backend\nlisten stats\n",
    }
    for path, text in files.items():
        target = tmp_path / "course" / "steps" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return tmp_path / "course"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """The student's folder, with nothing in it."""
    folder = tmp_path / "mine"
    for name in ("app", "site", "proxy"):
        (folder / name).mkdir(parents=True)
    return folder


# -- whose file is in the workspace


@pytest.mark.parametrize(
    ("artefact", "mine", "origin", "text"),
    [
        pytest.param(RECIPE, "FROM mine\n", Origin.OWN, "FROM mine\n", id="own"),
        pytest.param(RECIPE, None, Origin.REFERENCE, "FROM reference\n", id="missing"),
        pytest.param(RECIPE, "", Origin.REFERENCE, "FROM reference\n", id="empty"),
        pytest.param(RECIPE, " \n\t\r\n", Origin.REFERENCE, "FROM reference\n", id="blank"),
        pytest.param(PAGE, "http://<api>/", Origin.REFERENCE, "http://api:5000/", id="starter"),
        pytest.param(PAGE, "http://api:5000/", Origin.REFERENCE, "http://api:5000/", id="copied"),
        pytest.param(PAGE, "http://api:5000/\r\n", Origin.OWN, "http://api:5000/\r\n", id="CRLF"),
        pytest.param(FIRST, None, Origin.REFERENCE, "backend my-backend\n", id="first stage"),
        pytest.param(
            SECOND, None, Origin.REFERENCE, "backend my-backend\nlisten stats\n", id="second"
        ),
    ],
)
def test_the_own_file_where_one_is_written_else_the_reference(
    course: Path, workspace: Path, artefact: Artefact, mine: str | None, origin: Origin, text: str
) -> None:
    if mine is not None:
        (workspace / artefact.path).write_bytes(mine.encode())
    content = Files(course, workspace).content(artefact)
    assert (content.origin, content.data.decode()) == (origin, text)
    assert content.sha256 == digest(text)


def test_without_a_workspace_everything_is_the_reference(course: Path) -> None:
    assert Files(course, None).content(RECIPE).origin is Origin.REFERENCE
    assert Files(course, None).given("app/main.py") == b"print(1)\n"


def test_a_given_file_is_taken_as_the_workspace_has_it(course: Path, workspace: Path) -> None:
    assert Files(course, workspace).given("app/main.py") == b"print(1)\n"
    (workspace / "app/main.py").write_text("print(2)\n")
    assert Files(course, workspace).given("app/main.py") == b"print(2)\n"


def test_a_file_that_cannot_be_read_is_an_error_and_not_the_reference(
    course: Path, workspace: Path
) -> None:
    """A folder of this name stands for what root cannot be refused: both are an OSError."""
    (workspace / RECIPE.path).mkdir()
    with pytest.raises(UsageError, match="Dockerfile cannot be read") as caught:
        Files(course, workspace).content(RECIPE)
    assert caught.value.where == str(workspace / RECIPE.path)
    assert "chmod u+r" in caught.value.then


def test_a_file_that_nobody_typed_is_refused_at_the_first_byte_too_many(
    course: Path, workspace: Path
) -> None:
    (workspace / RECIPE.path).write_bytes(b"x" * LARGEST_ARTEFACT)
    assert Files(course, workspace).content(RECIPE).origin is Origin.OWN
    (workspace / RECIPE.path).write_bytes(b"x" * (LARGEST_ARTEFACT + 1))
    with pytest.raises(UsageError, match=f"too large for an artefact .{LARGEST_ARTEFACT + 1} byte"):
        Files(course, workspace).content(RECIPE)


# -- what is put on a machine


def test_an_artefact_is_placed_recorded_and_not_placed_twice(course: Path) -> None:
    web1, files = machine(), Files(course, None)
    assert files.place(RECIPE, web1)
    assert web1.text(RECIPE.remote) == "FROM reference\n"
    assert web1.manifest == {RECIPE.remote: digest("FROM reference\n")}
    web1.written.clear()
    assert not files.place(RECIPE, web1)
    assert web1.written == []
    assert [content.origin for content in files.used] == [Origin.REFERENCE, Origin.REFERENCE]


def test_the_manifest_keeps_the_other_entries(course: Path) -> None:
    web1, files = machine(), Files(course, None)
    files.place(RECIPE, web1)
    files.place(PAGE, web1)
    files.bring("app/main.py", "/srv/app/main.py", web1)
    assert set(web1.manifest) == {RECIPE.remote, PAGE.remote, "given /srv/app/main.py"}


def test_root_owns_what_the_artefact_says_and_the_manifest(course: Path) -> None:
    web1, files = machine(), Files(course, None)
    files.place(RECIPE, web1)
    files.place(SECOND, web1)
    assert web1.by_root == {SECOND.remote, MANIFEST}


@pytest.mark.parametrize("text", ["", "\n \n", "http://<api>/", "http://api:5000/"])
def test_what_nobody_wrote_by_hand_is_replaced(course: Path, text: str) -> None:
    """Empty, the starter, the reference: none of them is anybody's work."""
    web1 = machine(PAGE, text)
    Files(course, None).place(PAGE, web1)
    assert web1.text(PAGE.remote) == "http://api:5000/"


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("backend webs\n  server a web1:80 check\n", True),
        ("listen site\n\tserver-template web 2 web:80\n", True),
        ("backend x\n    server s1 10.77.0.11:80\n", True),
        ("global\n\tlog /dev/log local0\ndefaults\n\tmode http\n", False),  # Debian's
        (("frontend main\n    bind *:5000\nbackend static\n    server static 127.0.0.1:4331 check\n"
         "backend app\n    server  app1 127.0.0.1:5001 check\n"), False),  # el9's
        ("backend app\n    server  app1 10.77.0.11:80 check\n", True),
        ("listen stats\n    bind *:8404\n", True),
    ],
)  # fmt: skip
def test_a_balancers_file_is_a_students_whatever_its_backend_is_called(
    text: str, own: bool
) -> None:
    artefacts = {one.path: one for step in COURSE.steps for one in step.artefacts}
    artefact = artefacts["haproxy/haproxy.cfg"]
    lb, files = machine(artefact, text), Files(COURSE.root, None)
    files.place(artefact, lb)
    assert (lb.text(artefact.remote) == text) is own


def test_a_file_written_by_hand_stays_and_counts_as_the_students_own(course: Path) -> None:
    web1, files = machine(RECIPE, "FROM hand\n"), Files(course, None)
    assert not files.place(RECIPE, web1)
    assert (web1.files, web1.written) == ({RECIPE.remote: b"FROM hand\n"}, [])
    assert [(one.origin, one.data) for one in files.used] == [(Origin.OWN, b"FROM hand\n")]


def test_a_file_of_labkits_that_was_edited_by_hand_stays(course: Path) -> None:
    web1, files = machine(), Files(course, None)
    files.place(RECIPE, web1)
    web1.files[RECIPE.remote] += b"EXPOSE 5000\n"
    assert not files.place(RECIPE, web1)
    assert web1.text(RECIPE.remote) == "FROM reference\nEXPOSE 5000\n"


def test_labkits_file_gives_way_to_the_students_without_a_copy(
    course: Path, workspace: Path
) -> None:
    web1 = machine()
    Files(course, None).place(RECIPE, web1)
    (workspace / RECIPE.path).write_text("FROM mine\n")
    assert Files(course, workspace).place(RECIPE, web1)
    assert web1.text(RECIPE.remote) == "FROM mine\n"
    assert set(web1.files) == {RECIPE.remote, MANIFEST}
    assert web1.manifest == {RECIPE.remote: digest("FROM mine\n")}


def test_of_two_files_of_the_students_the_workspaces_wins_and_the_other_is_kept(
    course: Path, workspace: Path
) -> None:
    (workspace / SECOND.path).write_text("backend my-backend # mine\n")
    lb, files = machine(SECOND, "backend my-backend # hand\n"), Files(course, workspace)
    assert files.place(SECOND, lb)
    assert lb.text(SECOND.remote) == "backend my-backend # mine\n"
    copy = f"{SECOND.remote}.by-hand-{digest('backend my-backend # hand' + chr(10))[:8]}"
    assert lb.text(copy) == "backend my-backend # hand\n"
    assert lb.written.index(copy) < lb.written.index(SECOND.remote), "the copy comes first"
    assert copy in lb.by_root
    assert [one.origin for one in files.used] == [Origin.OWN]


def test_a_packages_file_without_the_marker_is_nobodys(course: Path) -> None:
    lb = machine(SECOND, "defaults\n    mode http\n")
    assert Files(course, None).place(SECOND, lb)
    assert lb.text(SECOND.remote) == "backend my-backend\nlisten stats\n"


def test_an_earlier_step_leaves_the_file_of_a_later_one(course: Path) -> None:
    """Also where the manifest is lost: the later reference is known by its content."""
    lb, files = machine(FIRST, "backend my-backend\nlisten stats\n"), Files(course, None)
    assert not files.place(FIRST, lb)
    assert lb.written == []
    assert [one.origin for one in files.used] == [Origin.REFERENCE]


def test_a_later_step_replaces_the_file_of_an_earlier_one(course: Path) -> None:
    lb, files = machine(), Files(course, None)
    files.place(FIRST, lb)
    assert lb.text(FIRST.remote) == "backend my-backend\n"
    assert files.place(SECOND, lb)
    assert lb.text(FIRST.remote) == "backend my-backend\nlisten stats\n"
    assert lb.manifest == {FIRST.remote: digest("backend my-backend\nlisten stats\n")}


def test_a_later_reference_gives_way_to_the_students_own(course: Path, workspace: Path) -> None:
    lb = machine()
    Files(course, None).place(SECOND, lb)
    (workspace / FIRST.path).write_text("backend my-backend # mine\n")
    assert Files(course, workspace).place(FIRST, lb)
    assert lb.text(FIRST.remote) == "backend my-backend # mine\n"


def test_a_given_file_is_brought_and_what_was_changed_there_stays(course: Path) -> None:
    web1, files = machine(), Files(course, None)
    assert files.bring("app/main.py", "/srv/app/main.py", web1)
    assert not files.bring("app/main.py", "/srv/app/main.py", web1)
    web1.files["/srv/app/main.py"] = b"print(3)\n"
    assert not files.bring("app/main.py", "/srv/app/main.py", web1)
    assert web1.text("/srv/app/main.py") == "print(3)\n"


def test_a_given_file_follows_the_workspace_while_it_is_as_it_was_brought(
    course: Path, workspace: Path
) -> None:
    web1 = machine()
    Files(course, workspace).bring("app/main.py", "/srv/app/main.py", web1)
    (workspace / "app/main.py").write_text("print(2)\n")
    assert Files(course, workspace).bring("app/main.py", "/srv/app/main.py", web1)
    assert web1.text("/srv/app/main.py") == "print(2)\n"
    assert web1.manifest == {"given /srv/app/main.py": digest("print(2)\n")}


def test_a_page_that_a_later_step_has_placed_is_not_brought_again(course: Path) -> None:
    web1, files = machine(), Files(course, None)
    files.bring(PAGE.path, PAGE.remote, web1)
    assert web1.text(PAGE.remote) == "http://<api>/"
    files.place(PAGE, web1)
    assert not files.bring(PAGE.path, PAGE.remote, web1)
    assert web1.text(PAGE.remote) == "http://api:5000/"


# -- the hardened bar


@pytest.fixture
def hardened_course(course: Path) -> Path:
    (course / "steps/reference/proxy/proxy-hardened.cfg").write_text(HARDENED)
    return course


def test_the_hardened_reference_replaces_the_plain_one(hardened_course: Path) -> None:
    lb = machine()
    Files(hardened_course, None).place(THIRD, lb)
    assert lb.text(THIRD.remote) != HARDENED
    assert Files(hardened_course, None, distinction=True).place(THIRD, lb)
    assert lb.text(THIRD.remote) == HARDENED


def test_an_earlier_step_leaves_the_hardened_reference(hardened_course: Path) -> None:
    lb = machine(THIRD, HARDENED)
    assert not Files(hardened_course, None).place(THIRD, lb)
    assert lb.text(THIRD.remote) == HARDENED


def test_hardening_spares_what_was_written_by_hand(hardened_course: Path) -> None:
    lb, files = machine(THIRD, "backend my-backend # hand\n"), None
    files = Files(hardened_course, None, distinction=True)
    assert not files.place(THIRD, lb)
    assert [one.origin for one in files.used] == [Origin.OWN]
    assert files.kept_own() == [THIRD.path]


def test_what_was_hardened_is_not_said_to_be_left(hardened_course: Path) -> None:
    files = Files(hardened_course, None, distinction=True)
    assert files.place(THIRD, machine())
    assert files.kept_own() == []


def test_hardening_takes_the_students_own_file_where_there_is_one(
    hardened_course: Path, workspace: Path
) -> None:
    (workspace / THIRD.path).write_text("backend my-backend # mine\n")
    files = Files(hardened_course, workspace, distinction=True)
    assert files.content(THIRD).data == b"backend my-backend # mine\n"
