"""Tests: `unit` mirrors the house, `processes` and `integration` need more than Python."""

from pathlib import Path

ROOT = Path(__file__).parent.parent  # the project
