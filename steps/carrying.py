"""What later steps stand on, and how the reference gives it in the place of a student's own."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

from labkit.course import Foundation, ReadingRules, Submission
from steps.project import CARRIED, COMPOSE, DOCKERFILE, GIVEN, INDEX, REGISTRY_COMPOSE
from steps.recognition import recognise
from subject.contract import OPTION

FOUNDATIONS = (
    Foundation(
        DOCKERFILE.path,
        ("dockerfile", "build"),
        ("build.runs", "build.auth"),
        made_of=GIVEN,
    ),
    Foundation(
        COMPOSE.path,
        ("compose", "deploy"),
        ("compose.credentials", "compose.network", "deploy.running"),
    ),
    Foundation(INDEX.path, ("index", "verify"), ("verify.list",)),
    Foundation(REGISTRY_COMPOSE.path, ("registry", "registry-ui"), ("registry.pulled",)),
)
# What Compose would read beside the reference's file.
BESIDE = re.compile(r"(^|/)(\.env|(docker-)?compose[^/]*\.ya?ml)$", re.I)


def carry_forward(submission: Submission, artefact: str, reference: Path) -> Submission:
    """The submission with the reference's artefact in the place of its own.

    The image is built apart and named as the student's files ask for it (steps c and e). The page
    stands where theirs stood. A compose file of the reference's expects the folders of the layout.
    """
    page = submission.sources.get(INDEX.path, "")
    files, targets, options = (
        dict(submission.files),
        dict(submission.targets),
        dict(submission.options),
    )
    sources = {name: path for name, path in submission.sources.items() if name != artefact}
    if artefact == DOCKERFILE.path:
        sources = dict(submission.sources)  # the compose file may build it: it stays where it is
        options[CARRIED] = "yes"
    elif artefact == INDEX.path:
        files[page] = submission.fitted.get(artefact) or (reference / artefact).read_bytes()
    elif artefact == COMPOSE.path:
        files, sources = _in_layout(submission, sources)
        files[artefact] = submission.fitted.get(artefact) or (reference / artefact).read_bytes()
        targets |= {COMPOSE.path: COMPOSE.path, INDEX.path: INDEX.path}
        of_the_stack = ("compose:", "second-server:")
        options = {
            name: said for name, said in options.items() if not name.startswith(of_the_stack)
        }
    else:
        options = {name: said for name, said in options.items() if not name.startswith("registry:")}
    reading = ReadingRules(as_found=OPTION in submission.options)
    return replace(
        submission,
        files=files,
        sources=sources,
        targets=targets,
        options=options,
        fitted={
            **submission.fitted,
            **recognise(files, reference, reading).fitted,
        },
    )


def _in_layout(
    submission: Submission, sources: dict[str, str]
) -> tuple[dict[str, bytes], dict[str, str]]:
    """The files without those of the stack, the page's folder where the layout has it."""
    kept = {path: data for path, data in submission.files.items()
            if path == sources.get(REGISTRY_COMPOSE.path) or not BESIDE.search(path)}  # fmt: skip
    stack = submission.sources[COMPOSE.path]
    if stack != sources.get(REGISTRY_COMPOSE.path):
        kept.pop(stack, None)
    page = sources.get(INDEX.path, "")
    if page in ("", INDEX.path):
        return kept, sources
    folder, home = PurePosixPath(page).parent, PurePosixPath(INDEX.path).parent
    moved = {
        str(home / PurePosixPath(path).relative_to(folder)): data
        for path, data in kept.items()
        if PurePosixPath(path).is_relative_to(folder)
    }
    return {**kept, **moved}, {**sources, INDEX.path: INDEX.path}
