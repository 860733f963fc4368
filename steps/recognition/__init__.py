"""A submission, recognised: which of its files is which artefact, wherever the student put it.

Pure: files in, facts out. Nothing is executed, and what Compose itself would make of a file is
asked later, on a machine of the lab. Each room here answers one question of some files; this one
walks through them in order, and notes what was read otherwise than it was handed in.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labkit.course import AS_USUAL, ReadingRules, Submission
from labkit.facts import rsyslog
from labkit.facts.haproxy.former import in_todays_words
from labkit.facts.haproxy.harmless import with_own_variables
from labkit.facts.haproxy.passwords import PASSWORD, with_known
from labkit.facts.reports import PAGES, is_report, text_of_report
from labkit.locale import _
from steps.beside_balancer import moved
from steps.project import RSYSLOG
from steps.recognition import log
from steps.recognition.addresses import published_by_all, readdressed, without_digests
from steps.recognition.balancer import with_variables
from steps.recognition.choosing import passed_over
from steps.recognition.documents import quotations, standing_for_dotenv, written_by_scripts
from steps.recognition.fitting import fitted
from steps.recognition.handed_in import (
    UTF_16,
    Files,
    as_named,
    text_of,
    top_folder,
    unixed,
    without_frontend,
)
from steps.recognition.look import Look, with_paths
from subject.contract import AS_GIVEN, OPTION, found_in

COMMAND = re.compile(r"^[^\n]{0,80}\bdocker[ \t]+[a-z]", re.M)  # of a report
NAMED = 4  # of the files that do not count, so many are named


def recognise(
    files: Files,
    reference: Path,
    reading: ReadingRules = AS_USUAL,
    *,
    executable: Collection[str] = (),
) -> Submission:
    """What the course finds in these files; `reference` is the folder of the reference artefacts.

    The contract of the application that may be as found is route, user and password of the API, as
    the submission's own script has them. The references that fill what is missing are fitted to
    what is there: the page to the name of the API's service, HAProxy to the port of the website.
    `executable` are the files that may be executed where they come from; archives made on Windows
    do not say it.
    """
    top = top_folder(files)
    handed = _as_meant({path.removeprefix(top): data for path, data in files.items()})
    look = _with_what_stands_elsewhere(handed, reading)
    sources, targets = look.sources(), look.targets()
    _explain_the_choice(handed, look, sources.values(), reading)
    _convert(handed)
    _fit_stack(handed, look)
    _fit_log(handed, look, sources.get(RSYSLOG.path, ""))
    _fit_balancer(handed, look.balancer, look.pieces)
    options = look.options()
    application = AS_GIVEN
    if reading.as_found and (script := look.script()):
        application = found_in(handed.files[script])
        if application != AS_GIVEN:
            options[OPTION] = application.words
            handed.notes.append(
                _("the application is that of {file}: {path}, user {user}", file=script,
                  path=application.path, user=application.user)
            )  # fmt: skip
    return Submission(
        files=handed.files,
        sources=sources,
        targets=targets,
        fitted=fitted(look, sources, reference, application) if reading.fill else {},
        options=options,
        original={name: handed.original[path] for name, path in sources.items()},
        notes=tuple(handed.notes),
        fill=reading.fill,
        spared=log.spared(handed.files, look.balancer),
        executable=frozenset(path.removeprefix(top) for path in executable)
        | {path for path, data in handed.original.items() if data.startswith(b"#!")},
    )


@dataclass
class _Handed:
    """Files as they are read, as they were handed in, and what is to be said of the difference."""

    files: dict[str, bytes]
    original: dict[str, bytes]
    notes: list[str] = field(default_factory=list)
    quoted: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)  # as `quotations`

    def add(self, path: str, data: bytes) -> None:
        """A file that stands in another one."""
        self.files[path] = self.original[path] = data

    def stands_for(self, file: str, pairs: Mapping[str, str]) -> None:
        """Of a file, what is read in the place of what: there -> here."""
        self.notes += [_("{file}: {there} stands for {here}", file=file, there=there, here=here)
                       for there, here in pairs.items()]  # fmt: skip


def _as_meant(files: Files) -> _Handed:
    """Under the names that were meant, with the line ends of Linux."""
    original = {as_named(path, files): data for path, data in files.items()}
    shown = [path for path in files if as_named(path, files) != path]
    notes = [_("{file} was read without its .txt", file=path) for path in shown]
    for path in list(filter(is_report, original)):
        text = text_of_report(path, original[path])
        if COMMAND.search(text):
            if not path.lower().endswith(PAGES):  # nobody needs it on the machines
                del original[path]
            original.setdefault(f"{path}.txt", text.encode())
            notes.append(_("{file} was read as a text, for the commands in it", file=path))
    return _Handed({path: unixed(data) for path, data in original.items()}, original, notes)


def _with_what_stands_elsewhere(handed: _Handed, reading: ReadingRules) -> Look:
    """Take in what a script writes, an example stands for, another file or a document shows."""
    for path, (script, data) in written_by_scripts(handed.files).items():
        handed.add(path, data)
        handed.notes.append(_("{file} is what {script} writes", file=path, script=script))
    for path, example in standing_for_dotenv(handed.files).items():
        handed.add(path, handed.files[example])
        handed.stands_for(path, {example: ".env"})
    look = Look(handed.files)
    for path, data in look.images.inline().items():
        handed.add(path, data)
        handed.notes.append(_("{file} is what {script} writes", file=path, script=look.stack))
        look = Look(handed.files)
    handed.quoted = quotations(handed.files, look.sources())
    if reading.documented and handed.quoted:
        for path, (_document, data) in handed.quoted.items():
            handed.add(path, data)
        look = Look(handed.files)
    return look


def _explain_the_choice(
    handed: _Handed, look: Look, chosen: Collection[str], reading: ReadingRules
) -> None:
    handed.notes += [
        _("of several attempts the last one counts: {files}, not those of the same name in "
          "{others}",
          files=", ".join(counting), others=", ".join(others))
        for others, counting in passed_over(chosen, look.files).items()
    ]  # fmt: skip
    handed.notes += [
        _("several files could be meant: {file} counts, not {others}", file=path,
          others=", ".join([*others[:NAMED], *(["…"] if others[NAMED:] else [])]))
        for path, others in look.rivals().items()
    ]  # fmt: skip
    handed.notes += [
        _("{file} was found in {document}, not handed in as a file", file=path, document=document)
        if reading.documented
        else _("{file} stands in {document} alone; --readme lets it count",
               file=path, document=document)
        for path, (document, _data) in handed.quoted.items()
    ]  # fmt: skip


def _convert(handed: _Handed) -> None:
    """Say what was converted, and have no Dockerfile read by a program that it names."""
    files, original = handed.files, handed.original
    if any(files[path] != original[path] for path in files):
        handed.notes.append(_("Windows line endings were converted to those of Linux"))
    if any(data.startswith((*UTF_16, codecs.BOM_UTF8)) for data in original.values()):
        handed.notes.append(
            _("texts in a Windows encoding were converted to UTF-8 without a byte order mark")
        )
    for path, data in files.items():
        files[path] = without_frontend(path, data)
        if files[path] != data:
            handed.notes.append(
                _("{file}: the engine's own frontend reads it (# syntax=)", file=path)
            )


def _fit_stack(handed: _Handed, look: Look) -> None:
    """Paths and addresses of the student's own machine give way to those of the lab's."""
    files = handed.files
    stacks = dict.fromkeys([*([look.stack] if look.stack else []), *look.second])
    for path in stacks:
        files[path], elsewhere = look.relocated(path)
        handed.stands_for(path, elsewhere)
    for path in filter(None, dict.fromkeys([*stacks, look.registry, look.page_of_registry])):
        text, addresses = published_by_all(text_of(files[path]))
        files[path] = text.encode() if addresses else files[path]
        handed.stands_for(path, dict.fromkeys(addresses, "0.0.0.0"))
    for path, moved_in in look.beside.items():
        files[path] = with_paths(text_of(files[path]), moved_in).encode()
        handed.stands_for(path, moved_in)
    for path in stacks:
        text, tags = without_digests(text_of(files[path]))
        files[path] = text.encode() if tags else files[path]
        handed.stands_for(path, tags)
    if look.second:
        handed.notes.append(_("web2 starts its own {files}", files=" + ".join(look.second)))


def _fit_log(handed: _Handed, look: Look, rules: str) -> None:
    """One file of rsyslog's, beside what the system's own says already."""
    if not rules:
        return
    files = handed.files
    before = log.before_rules(files, look.balancer, rules)
    for path in (*before, rules):
        if rsyslog.is_whole(text_of(files[path])):
            files[path] = rsyslog.beside_the_systems(text_of(files[path])).encode()
            handed.notes.append(
                _("{file}: what the system's own says already is left out", file=path)
            )
    for path in (*before, rules):
        bare = rsyslog.without_channels(text_of(files[path]))
        if bare != text_of(files[path]):
            files[path] = bare.encode()
            handed.notes.append(_("{file}: the command of $outchannel is not run", file=path))
    for path in before:
        files[rules] = files[path].rstrip() + b"\n" + files[rules]
        handed.notes.append(_("{first} and {second} are read as one file", first=path,
                              second=rules))  # fmt: skip
    document, opened = log.opened_by_notes(files)
    if opened and not log.listens(text_of(files[rules])):
        files[rules] = opened.encode() + b"\n" + files[rules]
        handed.notes.append(
            _("{file}: what {document} opens in rsyslog.conf stands before", file=rules,
              document=document)
        )  # fmt: skip


def _fit_balancer(handed: _Handed, path: str, pieces: Sequence[str]) -> None:
    """One file of HAProxy's, with the lab's names, a password that is known, paths as they are."""
    if not path:
        return
    files = handed.files
    if len(pieces) > 1:
        files[path] = b"\n".join(files[one].rstrip() for one in pieces) + b"\n"
        others = ", ".join(one for one in pieces if one != path)
        handed.notes.append(_("{first} and {second} are read as one file", first=others,
                              second=path))  # fmt: skip
    text, told = with_variables(text_of(files[path]), files)
    handed.notes += [_("{file}: its variables are those of {document}", file=path, document=one)
                     for one in told]  # fmt: skip
    text, former = in_todays_words(text)
    handed.stands_for(path, former)
    text, said = readdressed(with_own_variables(text))
    text, users = with_known(text)
    if users:
        handed.notes.append(
            _("{file}: the password of {users} is {password} here", file=path,
              users=", ".join(users), password=PASSWORD)
        )  # fmt: skip
    named = moved(text, files)
    files[path] = with_paths(text, named).encode()
    handed.notes += said
    handed.stands_for(path, named)
