"""Figures, as ratios measured side by side in one run. Each module prints what it measured."""

import os

# Programs are measured as a user has them, for whom Python keeps the bytecode of what it has read:
# where this forbids it, each command would compile all of labkit anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
