"""The French catalogues: everything that can be said is translated, nothing else is kept, and
what a student has to type is the same in both languages."""

from __future__ import annotations

import ast
import importlib
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import click
import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from labkit import errors, locale
from labkit.cli.main import VERBS, labkit
from labkit.course import CheckSpec, load_course
from labkit.errors import EXIT_CODES
from labkit.grading.plugin import _sentence
from labkit.grading.schema import published
from labkit.lab.parity import PARITY, Likeness
from labkit.load.words import LIMIT_WORDS
from labkit.tutorial.reference import STANDARD, VERDICTS, paragraphs
from tests import ROOT

CATALOGUES = {
    "labkit": ROOT / "labkit" / "locale" / "fr" / "labkit.po",
    "checks": ROOT / "checks" / "locale" / "fr.po",
}
DOMAINS = sorted(CATALOGUES)

# What the engine translates without naming it: the words of a course, and the table of limits.
INDIRECT = {
    "node.sentence", "hint", "one.sentence", "other.sentence", "one.spec.probes", "one.spec.why",
    "degree.value", "part.why",
    "name", "LIMIT_WORDS[one.name]", "LIMIT_WORDS[limit.name]",
    "LIMIT_WORDS[name]", "LIMIT_WORDS.get(name, name)",
    "paragraph", "option.help or ''", "meaning", "VERDICTS[one]",
    "one['description']", "spec.get('description', '')",
}  # fmt: skip

# A word of a hint that is typed as it is: it holds a sign that prose has not (a path, an option,
# a tag, an assignment), or it is an instruction, a variable or the name of a program.
TYPED = re.compile(
    r"""(?:[^\s,;()]*[/=_@$"\[\]*&][^\s,;()]*  # /srv/student-list, USERNAME=, student_age.py, &&
         |(?<!\S)-{1,2}[a-z][\w-]*             # -d, --now
         |[\w-]+(?:[.:][\w-]+)+                # docker-compose.yml, python:3.12-slim, 10.0.0.1
         |\b(?:environment|image|networks|ports|restart|services|volumes):(?=\s)
         |\b[A-Z]{2,}\b                        # EXPOSE, API
         |\b\d+s?\b)                           # 5000, 10s
    """,
    re.VERBOSE,
)
PROGRAMS = {
    "cd", "compose", "curl", "cp", "docker", "getent", "hostnamectl", "haproxy", "labkit",
    "my-backend", "nano", "php", "ping", "roundrobin", "student-age", "sudo", "sudoedit",
    "systemctl", "unless-stopped", "web1", "web2",
}  # fmt: skip
# What a student replaces by something of their own is named in their language.
OWN_WORDS = {"ADDRESS": "ADRESSE", "NAME": "NOM", "FILE": "FICHIER", "USER": "UTILISATEUR"}


@cache
def tree(path: Path) -> ast.Module:
    """A source file as it is parsed."""
    return ast.parse(path.read_text(encoding="utf-8"))


def calls(root: Path) -> Iterator[ast.Call]:
    """Every call of `_` or `translate` below a folder."""
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(tree(path)):
            match node:
                case ast.Call(func=ast.Name(id="_" | "translate"), args=[_, *_]):
                    yield node


def literals(root: Path) -> set[str]:
    return {
        call.args[0].value
        for call in calls(root)
        if isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    }


def templates(root: Path) -> set[str]:
    found: set[str] = set()
    for path in root.rglob("*.j2"):
        with path.open("rb") as file:
            for _line, message, _comments, _context in extract("jinja2", file):
                assert isinstance(message, str), f"{path.name}: plural forms are not read"
                found.add(message)
    return found


def declared() -> list[tuple[str, CheckSpec]]:
    """The sentence of each check, as the engine reads it, with what else was declared."""
    found = []
    for path in sorted((ROOT / "checks").glob("test_*.py")):
        for value in vars(importlib.import_module(f"checks.{path.stem}")).values():
            spec = getattr(value, "labkit_check", None)
            if isinstance(spec, CheckSpec):
                item = type("Item", (), {"function": staticmethod(value)})
                found.append((_sentence(item), spec))  # type: ignore[arg-type]
    return found


def hints() -> list[str]:
    return sorted({hint for _sentence, spec in declared() for hint in spec.hints})


def explanations() -> set[str]:
    """What `labkit explain` says of the checks: what each probes, and why it matters."""
    return {text for _sentence, spec in declared() for text in (spec.probes, spec.why)} - {""}


def helps() -> set[str]:
    """What the verbs and their options say of themselves: the reference says it in French."""
    verbs = {name: labkit.get_command(click.Context(labkit), name) for name in VERBS}
    found: set[str] = set()
    inner = [
        one
        for verb in verbs.values()
        if isinstance(verb, click.Group)
        for one in verb.commands.values()
    ]
    for one in (labkit, *filter(None, verbs.values()), *inner):
        found.update(paragraphs(one))
        options = (param for param in one.params if isinstance(param, click.Option))
        found.update(option.help or "" for option in options if not STANDARD & {*option.opts})
    return found - {""}


def descriptions(schema: object) -> set[str]:
    """What the schema of the result file says of its parts."""
    if isinstance(schema, list):
        return set().union(*map(descriptions, schema))
    if not isinstance(schema, dict):
        return set()
    own = {schema["description"]} if isinstance(schema.get("description"), str) else set()
    return own.union(*map(descriptions, schema.values()))


def said(domain: str) -> set[str]:
    """All that this part of labkit may say."""
    found = literals(ROOT / domain) | templates(ROOT / domain)
    if domain == "labkit":
        parts = [part for provider in PARITY.values() for part in provider.values()]
        unlike = {part.why for part in parts if part.likeness is not Likeness.SAME}
        found |= helps() | descriptions(published()) | set(VERDICTS.values())
        return found | set(EXIT_CODES.values()) | set(LIMIT_WORDS.values()) | set(Likeness) | unlike
    found |= literals(ROOT / "steps") | literals(ROOT / "subject")  # the course's, too
    found |= {bar for drill in load_course().drills for bar in drill.limits} - {"course"}
    return found | {sentence for sentence, _spec in declared()} | set(hints()) | explanations()


@cache
def catalogue(domain: str) -> dict[str, str]:
    with CATALOGUES[domain].open("rb") as file:
        entries = [entry for entry in read_po(file, locale="fr", abort_invalid=True) if entry.id]
    assert not [entry.id for entry in entries if entry.fuzzy]
    return {str(entry.id): str(entry.string) for entry in entries}


def fields(message: str) -> Counter[tuple[str, str, str]]:
    """The {names} of a message with their format and conversion; how often each is used."""
    parts = Formatter().parse(message)
    return Counter((name, form or "", how or "") for _text, name, form, how in parts if name)


def typed(hint: str) -> Counter[str]:
    """The words of a hint that a translation keeps."""
    plain = (word.strip(".,:;?()") for word in hint.split())
    words = [word for word in plain if word in PROGRAMS]
    words += [word.rstrip(".:?") for word in TYPED.findall(hint)]
    return Counter(OWN_WORDS.get(word, word) for word in words if word.strip("."))


@pytest.mark.parametrize("domain", DOMAINS)
def test_everything_that_is_said_has_a_french_translation(domain: str) -> None:
    translated = {message for message, text in catalogue(domain).items() if text.strip()}
    assert sorted(said(domain) - translated) == []


def unspoken(root: Path) -> list[str]:
    """Words that an error or a line of progress says in English only, with their place."""
    speakers = {name for name in vars(errors) if name.endswith("Error")} | {"say"}
    found = []
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(tree(path)):
            match node:
                case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[said, *_]):
                    parts = said.values if isinstance(said, ast.JoinedStr) else [said]
                    words = [part.value for part in parts if isinstance(part, ast.Constant)]
                    if name in speakers and re.search(r"[a-z]{2}", " ".join(map(str, words))):
                        found.append(f"{path.name}:{node.lineno}: {ast.unparse(said)}")
    return found


@pytest.mark.parametrize("folder", ["labkit", "checks", "steps", "subject"])
def test_no_error_and_no_progress_speaks_english_only(folder: str) -> None:
    assert unspoken(ROOT / folder) == []


@pytest.mark.parametrize("domain", DOMAINS)
def test_nothing_is_translated_that_is_not_said(domain: str) -> None:
    assert sorted(catalogue(domain).keys() - said(domain)) == []


@pytest.mark.parametrize("domain", DOMAINS)
def test_no_message_writes_a_fraction_by_itself(domain: str) -> None:
    """A point in French is a mistake: `number` writes it as the language does."""
    formats = {form for message in catalogue(domain) for _name, form, _how in fields(message)}
    assert formats <= {"", ".0f"}


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_translation_fills_in_the_same_values(domain: str) -> None:
    wrong = {m: text for m, text in catalogue(domain).items() if fields(m) != fields(text)}
    assert wrong == {}


def test_both_catalogues_say_the_same_in_the_same_words() -> None:
    engine, course = (catalogue(domain) for domain in ("labkit", "checks"))
    shared = engine.keys() & course.keys()
    assert {m: (engine[m], course[m]) for m in shared if engine[m] != course[m]} == {}


def test_whatever_is_translated_indirectly_is_known_here() -> None:
    variable = {
        ast.unparse(call.args[0])
        for domain in DOMAINS
        for call in calls(ROOT / domain)
        if not isinstance(call.args[0], ast.Constant)
    }
    assert variable == INDIRECT


def test_every_check_is_read() -> None:
    sentences = [sentence for sentence, _spec in declared()]
    assert len(sentences) == len(set(sentences)) >= 40
    assert len(hints()) >= 100


@pytest.mark.parametrize("hint", hints())
def test_a_hint_keeps_what_is_typed(hint: str) -> None:
    french = catalogue("checks")[hint]
    assert typed(hint) - typed(french) == Counter()


def test_what_is_typed_is_told_from_prose() -> None:
    found = typed('In .env: sudo docker run -p 80:80 python:3.12-slim, EXPOSE 5000; image: "x"')
    assert found == Counter(
        ["sudo", "docker", "-p", "80:80", "python:3.12-slim", "EXPOSE", "5000", "image", '"x"']
    )
    assert typed("YAML counts spaces: never a tab (page two).") == Counter(["YAML"])
    assert typed("Ask /v2/_catalog of lb:5000/... as USER.") == Counter(
        ["/v2/_catalog", "lb:5000/", "UTILISATEUR"]
    )


@pytest.mark.parametrize("domain", DOMAINS)
def test_french_is_set_as_french_is_set(domain: str) -> None:
    """A no-break space before : ; ? ! and never an ordinary one, which would break the line."""
    texts = catalogue(domain).values()
    assert [text for text in texts if re.search(r" [:;?!%](?=\s|$|\))", text)] == []
    assert [text for text in texts if re.search(r"\w[?!](?=\s|$|\))", text)] == []


def test_messages_come_in_the_users_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locale, "_course_catalogues", [])
    locale.use_course(ROOT)
    try:
        monkeypatch.setenv("LABKIT_LANG", "fr")
        assert locale.translate("Each machine bears its own name.").startswith("Chaque machine")
        assert locale.translate("next: {command}", command="labkit up").endswith(": labkit up")
        assert locale.translate("said by nobody") == "said by nobody"
        monkeypatch.setenv("LABKIT_LANG", "en")
        assert locale.translate("Each machine bears its own name.").startswith("Each machine")
    finally:
        locale._catalogue.cache_clear()
