"""The pictures of the tutorial: which there are, what each is made of, and how they are made.

    make pictures    # on a lab of its own, which goes at the end; minutes

Beside the pictures, `pictures.json` keeps of each the text that can be read in it, and the
fingerprint of the files that decide what it looks like. So a new picture that differs in its
measurements alone is thrown away, and tests/unit/scripts/test_pictures.py can tell without any
lab which picture is no longer true. Nothing is retouched.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.course import Course, Verdict, load_course
from labkit.grading.explain import read_checks
from labkit.grading.writers.html import report_words
from labkit.lab import open_lab
from labkit.load.words import bar_word
from labkit.locale import _, use_course
from labkit.words import verdict_word
from steps.project import REGISTRY_PASSWORD, REGISTRY_USER

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "pictures"
NOTES = FOLDER / "pictures.json"
LAB = "pictures"
WIDTH = 1100  # CSS pixels, of all windows
FAINT = 48  # of 255: a difference of a pixel that no eye sees, as of another Chromium
FEW = 0.02  # of all pixels: another way to smooth letters differs in more than a changed word
PATIENCE_MS = 30_000
# The text of a page that is seen without scrolling.
IN_SIGHT = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), seen = [];
  for (let node; (node = walker.nextNode()); ) {
    const range = document.createRange();
    range.selectNode(node);
    const box = range.getBoundingClientRect();
    const text = node.data.trim();
    if (text && box.height && box.top < innerHeight) seen.push(text);
  }
  return seen.join("\\n");
}"""

# What differs from one honest run to the next: names of containers, durations, numbers, bars.
PASSING = (
    (r"\bsub-[0-9a-f]{8}\b", "sub"),
    (r"\b[0-9a-f]{12,64}\b", "0"),
    (r"(\d+[dhm] ?)*\d+s\b", "0s"),
    (r"(?<!\w)\d+", "0"),  # web1 is a name; 4,2 is not written 4.2
    (r"[▁▂▃▄▅▆▇█·─]+", " "),
)


@dataclass(frozen=True)
class Picture:
    """One picture. `name` is below docs/pictures, `language` "" where both languages show it.

    `sources` are the files that decide what it looks like, `words` what must be read in it as
    the code is now: called in the picture's language.
    """

    name: str
    language: str
    sources: tuple[str, ...]
    words: Callable[[Course], list[str]]


def _check_words(course: Course) -> list[str]:
    step = course.step("11")
    assert step
    mine = [one for one in read_checks(course).values() if one.step is step]
    return [
        f"{_('step')} {step.number} · {step.letter} · {step.title(os.environ['LABKIT_LANG'])}",
        *(f"{verdict_word(Verdict.PASSED)} {_(one.sentence)}" for one in mine
          if not one.spec.disturbs),
    ]  # fmt: skip


def _drill_words(_course: Course) -> list[str]:
    words = report_words()
    return [f"{_('drill')} kill · {bar_word('course')}", words.fault, words.healed, words.lost]


def _report_words(course: Course) -> list[str]:
    return [
        course.titles[os.environ["LABKIT_LANG"]],
        _("To settle next"),
        _(read_checks(course)["haproxy.checked"].sentence),
        verdict_word(Verdict.FAILED),
    ]


def _students(course: Course) -> list[str]:
    ages = (course.root / "steps/starter/simple_api/student_age.json").read_text(encoding="utf-8")
    return list(json.loads(ages))


APP = ("steps/reference/website/index.php", "steps/starter/simple_api/student_age.json")
REGISTRY = tuple(
    f"course/images/registry-ui/page/{name}" for name in ("index.html", "page.js", "style.css")
)
STATISTICS = ("steps/reference/haproxy/haproxy.cfg",)
TERMINAL = ("scripts/screenshot.py",)
WRONG = "tests/submissions/wrong/haproxy-no-check-on-web2"  # a mistake that fails one check
REPORT = ("labkit/grading/writers/report.html.j2", f"{WRONG}/haproxy/haproxy.cfg")

PICTURES = (
    Picture("check.svg", "en", TERMINAL, _check_words),
    Picture("check.fr.svg", "fr", TERMINAL, _check_words),
    Picture("drill.svg", "en", TERMINAL, _drill_words),
    Picture("drill.fr.svg", "fr", TERMINAL, _drill_words),
    Picture("app.png", "", APP, _students),
    Picture("registry.png", "en", REGISTRY, lambda _course: ["student-age"]),
    Picture("registry.fr.png", "fr", REGISTRY, lambda _course: ["student-age"]),
    Picture("report.png", "en", REPORT, _report_words),
    Picture("report.fr.png", "fr", REPORT, _report_words),
    Picture("stats.png", "", STATISTICS, lambda _course: ["my-backend", "web1", "web2", "DOWN"]),
)

# Is a picture still true? ------------------------------------------------------------------------


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Messages in a language, English where none is given."""
    before = os.environ.get("LABKIT_LANG", "en")
    os.environ["LABKIT_LANG"] = language or "en"
    try:
        yield
    finally:
        os.environ["LABKIT_LANG"] = before


def notes() -> dict[str, dict[str, Any]]:
    """What is known of each picture: its fingerprint, those of its `sources`, its `text`."""
    found: dict[str, dict[str, Any]] = json.loads(NOTES.read_text(encoding="utf-8"))
    return found


def fingerprints(picture: Picture) -> dict[str, str]:
    """The files that decide what it looks like, as they are now."""
    return {name: fingerprint(ROOT / name) for name in picture.sources}


def fingerprint(path: Path) -> str:
    """Of what is in a file now."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def out_of_date(picture: Picture, noted: dict[str, Any], course: Course) -> list[str]:
    """Why a picture is no longer true; empty while it is."""
    reasons = [
        f"{name} has changed since"
        for name, seen in fingerprints(picture).items()
        if noted["sources"].get(name) != seen
    ]
    text = _smooth(noted["text"])
    with speaking(picture.language):
        missing = [word for word in picture.words(course) if _smooth(word) not in text]
    return reasons + [f"{word!r} is not in it" for word in missing]


def _smooth(text: str) -> str:
    return " ".join(text.split())


def _skeleton(text: str) -> str:
    """What the texts of two honest runs have in common."""
    for pattern, less in PASSING:
        text = re.sub(pattern, less, text)
    return _smooth(text)


def keep(name: str, made: bytes, text: str) -> str:
    """Write a picture and its note, unless the old one shows the same; what was done."""
    picture = next(one for one in PICTURES if one.name == name)
    known = notes() if NOTES.exists() else {}
    path, before = FOLDER / name, known.get(name)
    same = before is not None and path.exists() and _same(path, made, before["text"], text)
    if not same:
        path.write_bytes(made)
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    kept = before["text"] if same and before else lines
    sources = fingerprints(picture)
    known[name] = {"picture": fingerprint(path), "sources": sources, "text": kept}
    ordered = {one.name: known[one.name] for one in PICTURES if one.name in known}
    NOTES.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return f"{name}: {'as it was' if same else 'new'}"


def _same(path: Path, made: bytes, before: str, text: str) -> bool:
    if _skeleton(before) != _skeleton(text):
        return False
    # A terminal's letters are its text; a page has colours and a layout besides.
    return path.suffix == ".svg" or differing(path.read_bytes(), made) < FEW


def differing(one: bytes, other: bytes) -> float:
    """The share of pixels that differ visibly, 0 to 1; 1 for pictures of two sizes."""
    from PIL import Image, ImageChops

    first, second = (Image.open(io.BytesIO(data)).convert("RGB") for data in (one, other))
    if first.size != second.size:
        return 1.0
    apart = ImageChops.difference(first, second).convert("L").histogram()
    return sum(apart[FAINT:]) / (first.width * first.height)


# Making them -------------------------------------------------------------------------------------


def labkit(*words: str, language: str = "en", check: bool = True) -> None:
    """A command on the pictures' lab."""
    subprocess.run(_command(words), env={**os.environ, **_variables(language)}, check=check)


def _command(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "labkit.cli.main", *words]


def _variables(language: str) -> dict[str, str]:
    return {"LABKIT_LAB": LAB, "LABKIT_LANG": language, "PYTHONPATH": str(ROOT)}


def terminal(name: str, *words: str, language: str = "en") -> None:
    """The picture of a command in a terminal."""
    shown = " ".join(["labkit", *(["--lang", "fr"] if language == "fr" else []), *words])
    from scripts.screenshot import still

    picture, text = still(_command(words), shown, _variables(language))
    print(keep(name, picture.encode(), text), flush=True)


@contextmanager
def window(browser: Browser, url: str, language: str = "en", **more: Any) -> Iterator[Page]:
    """A page in a window of its own, by day, without anything that moves."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": 800}, device_scale_factor=1, locale=language,
        color_scheme="light", reduced_motion="reduce", **more,
    )  # fmt: skip
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(url)
    yield page
    context.close()


def shoot(page: Page, name: str, height: int) -> None:
    """The picture of the upper part of a page, so many pixels of it."""
    page.set_viewport_size({"width": WIDTH, "height": height})
    made = page.screenshot(animations="disabled", caret="hide")
    print(keep(name, made, page.evaluate(IN_SIGHT)), flush=True)


def pages(browser: Browser, course: Course) -> None:
    """The application, the registry's page, HAProxy's statistics with a server down."""
    lb = open_lab(LAB).prove_target("lb").address
    with window(browser, f"http://{lb}/") as page:
        page.locator("button").click()
        page.get_by_text(_students(course)[0]).wait_for()
        shoot(page, "app.png", 500)
    who = {"username": REGISTRY_USER, "password": REGISTRY_PASSWORD}
    for name, language in (("registry.png", "en"), ("registry.fr.png", "fr")):
        with window(browser, f"http://{lb}:8080/", language, http_credentials=who) as page:
            page.get_by_text("student-age").first.wait_for()
            page.wait_for_load_state("networkidle")
            shoot(page, name, 220)
    labkit("exec", "lb", "--", "systemctl", "restart", "haproxy")  # counts begin at zero
    labkit("exec", "lb", "--", "curl", "-s", "-o", "/dev/null", "http://localhost/?[1-20]")
    labkit("exec", "web2", "--", "sh", "-c", "cd /srv/student-list && docker compose stop website")
    try:
        with window(browser, f"http://{lb}:8404/") as page:
            down = page.locator("tr", has_text="web2").filter(has_text="DOWN")
            for _again in range(60):
                if down.count():
                    break
                page.wait_for_timeout(500)
                page.reload()
            shoot(page, "stats.png", 500)
    finally:
        labkit(
            "exec", "web2", "--", "sh", "-c", "cd /srv/student-list && docker compose up -d --wait"
        )


def report(browser: Browser, name: str, language: str) -> None:
    """The head of the report on a submission with one mistake, and what it says to settle."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "report"
        graded = f"grade --submission {ROOT / WRONG} --steps 11-12 --learner Ada --report {folder}"
        labkit(*graded.split(), language=language, check=False)
        with window(browser, (folder / "report.html").as_uri(), language) as page:
            shoot(page, name, 900)


def main() -> None:
    """Bring up the lab, take all pictures, remove the lab."""
    from playwright.sync_api import sync_playwright

    from scripts.chromium import chromium

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the lab goes then, too
    course = load_course()
    use_course(course.root)
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        labkit("up")
        labkit("step", "all")
        for name, language in (("check.svg", "en"), ("check.fr.svg", "fr")):
            terminal(name, "check", "11", language=language)
        for name, language in (("drill.svg", "en"), ("drill.fr.svg", "fr")):
            terminal(name, "drill", "kill", language=language)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium())
            pages(browser, course)
            for name, language in (("report.png", "en"), ("report.fr.png", "fr")):
                report(browser, name, language)
            browser.close()
    finally:
        labkit("destroy", check=False)


if __name__ == "__main__":
    main()
