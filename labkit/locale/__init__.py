"""Messages in the user's language.

The catalogues are gettext .po files: the engine's in this folder (`fr/labkit.po`), the course's
beside its checks (`checks/locale/fr.po`). They are read as they are, once: what was read is kept
in the cache until they change. English is the source language, so it needs none.
"""

from __future__ import annotations

import json
import os
from functools import lru_cache, partial
from pathlib import Path

from labkit.cache import digest_of, remembered

LANGUAGES = ("en", "fr")
ENGINE_CATALOGUES = Path(__file__).parent

_course_catalogues: list[Path] = []


def use_course(root: Path) -> None:
    """Also look messages up in the catalogue of the course in this folder."""
    folder = root / "checks" / "locale"
    if folder not in _course_catalogues:
        _course_catalogues.append(folder)
        _catalogue.cache_clear()


def language() -> str:
    """The user's language: LABKIT_LANG, then the usual variables of the locale; else English."""
    for variable in ("LABKIT_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable, "")
        if value:
            code = value[:2].lower()
            return code if code in LANGUAGES else "en"
    return "en"


def number(value: float, form: str = "g") -> str:
    """A number for people, formatted as `form` says: with a comma where the language has one."""
    text = format(value, form)
    return text.replace(".", ",") if language() == "fr" else text


def translate(message: str, **values: object) -> str:
    """The message in the user's language, its {names} filled in."""
    text = message
    if message and language() != "en":
        text = _catalogue(language()).get(message, message)
    return text.format(**values) if values else text


_ = translate


@lru_cache
def _catalogue(code: str) -> dict[str, str]:
    paths = [ENGINE_CATALOGUES / code / "labkit.po"]
    paths += [folder / f"{code}.po" for folder in _course_catalogues]
    texts: dict[str, str] = {}
    for path in paths:
        if path.exists():
            texts |= json.loads(
                remembered("catalogue", digest_of([path]), partial(_read, path, code))
            )
    return texts


def _read(path: Path, code: str) -> bytes:
    """A .po file as a JSON object: message -> text."""
    from babel.messages.pofile import read_po  # slow, and needed only once

    with path.open("rb") as file:
        texts = {
            entry.id: entry.string or entry.id
            for entry in read_po(file, locale=code)
            if isinstance(entry.id, str) and isinstance(entry.string, str)
        }
    return json.dumps(texts).encode()
