"""Options that name files: where a command works elsewhere, the files go along."""

from __future__ import annotations

import click


class Reads(click.Path):
    """A file or a folder that a command reads."""


class Writes(click.Path):
    """A file or a folder that a command writes, or goes on with."""
