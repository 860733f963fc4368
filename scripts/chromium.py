"""The system's Chromium: no other is downloaded, here or by Playwright.

python scripts/chromium.py   # prints its path
"""

from __future__ import annotations

import shutil
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def chromium() -> str:
    """The path of the program. SystemExit, with what to type, if there is none."""
    for name in NAMES:
        path = shutil.which(name)
        if path:
            return path
    sys.exit("labkit: no Chromium is installed\n  next   sudo apt-get install chromium")


if __name__ == "__main__":
    print(chromium())
