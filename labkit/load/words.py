"""What a drill's bars and limits are called where people read them."""

from __future__ import annotations

from labkit.locale import _

LIMIT_WORDS = {
    "lost_get": "GET requests lost",
    "lost_post": "POST requests lost",
    "lost": "requests lost",
    "slow_share": "share of slow answers",
    "detect_s": "seconds until it was detected",
    "recover_s": "seconds until it was back",
    "outage_s": "seconds of outage",
    "gap_s": "seconds without any answer",
    "duplicates": "POST requests executed twice",
    "ghosts": "POST requests reported lost, yet executed",
    "flaps": "needless exits from the rotation",
    "uneven": "difference between the servers' shares",
    "untrue": "answers that claim something false",
    "early": "requests lost before the fault",
}


def bar_word(name: str) -> str:
    """A bar in the user's language, by the course's catalogue; typed, it keeps its own name."""
    return _("course") if name == "course" else _(name)
