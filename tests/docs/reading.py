"""What a reader with a small screen, or with other senses, meets on a page."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE = Axe()

STICKS_OUT = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  const out = [...document.querySelectorAll("body *")].filter(
    one => one.getBoundingClientRect().right > wide + 1 && one.getClientRects().length);
  return out.slice(0, 5).map(one => one.outerHTML.slice(0, 120));
}"""


def sticks_out(page: Page) -> list[str]:
    """What makes the page wider than the screen, its first five elements."""
    found: list[str] = page.evaluate(STICKS_OUT)
    return found


def serious(page: Page, *rules: str) -> list[str]:
    """What axe-core calls serious or critical: rule, what is asked, and the elements.

    By these rules alone, if any are named.
    """
    options = {"runOnly": list(rules)} if rules else {}
    violations = AXE.run(page, options=options).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {node['html'][:160]}"
        for one in violations
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
