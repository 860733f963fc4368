"""A drill as a picture: a few lines for a terminal, and an SVG that stands on its own.

Both say in words and shapes what others say in colour only, and both are drawn from the record
in the result file, so that a report can be made long after the lab is gone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from labkit.load.availability import Series
from labkit.load.readings import SERVING
from labkit.load.record import DrillResult, Samples
from labkit.locale import number

BLOCKS = "▁▂▃▄▅▆▇█"
NOTHING = "·"
WIDTH = 72  # characters of a terminal line, labels included


@dataclass(frozen=True)
class Words:
    """Every word that is drawn, so that a course can give its own."""

    lost: str = "lost"
    fault: str = "fault"
    healed: str = "healed"
    after: str = "after {seconds} s"
    of: str = "{lost} of {scheduled} ({share} %)"
    scheduled: str = "requests per bin of {bin} s"
    answered: str = "answered"
    slow: str = "slow"
    seconds: str = "seconds"
    title: str = "Drill {name}: {verdict}"
    desc: str = "{scheduled} requests in {duration} s, {lost} lost, {slow} slow. {events}"


ENGLISH = Words()

# The terminal ----------------------------------------------------------------------------------


def sparkline(samples: Samples, width: int) -> str:
    """Losses over time in `width` characters: a dot for none, else a block by their share.

    Exactly as wide as the ruler above it, so a character may cover one bin more than the next.
    """
    series, bins = samples.series, len(samples.series.scheduled)
    cells = []
    for cell in range(width):
        span = slice(cell * bins // width, (cell + 1) * bins // width)
        scheduled, failed = sum(series.scheduled[span]), sum(series.failed[span])
        share = failed / scheduled if scheduled else 0.0
        cells.append(BLOCKS[min(7, int(share * 8))] if failed else NOTHING)
    return "".join(cells)


def text(result: DrillResult, *, width: int = WIDTH, words: Words = ENGLISH) -> list[str]:
    """The lines of a timeline; empty for a drill that did not run."""
    samples = result.samples
    if samples is None:
        return []
    servers = sorted({*samples.states, *(server for _, server, _ in samples.changes)})
    label = max(len(name) for name in [words.lost, *servers]) + 2
    columns = min(width - label, len(samples.series.scheduled))
    lines = [" " * label + _ruler(samples, columns, words)]
    for server in servers:
        lines.append(server.ljust(label) + _states(samples, server, columns, words))
    lines.append(words.lost.ljust(label) + sparkline(samples, columns))
    lines.append(" " * label + _lost(result, words))
    return [line.rstrip() for line in lines]


def _ruler(samples: Samples, columns: int, words: Words) -> str:
    marks = [(0.0, "0 s ")]
    if samples.fault_s is not None:
        marks.append((samples.fault_s, f" {samples.fault_s:.0f} s ✂ {words.fault} "))
    if samples.heal_s is not None:
        marks.append((samples.heal_s, f" {samples.heal_s:.0f} s ✚ {words.healed} "))
    line = _placed(marks, samples.duration_s, columns, "─")
    end = f" {samples.duration_s:.0f} s"
    return line[: -len(end)] + end if line.endswith("─" * len(end)) else line + end


def _states(samples: Samples, server: str, columns: int, words: Words) -> str:
    marks = [(0.0, samples.states.get(server, "?"))]
    for at, who, state in samples.changes:
        if who == server:
            marks.append((at, f"{state}{_since(samples, at, state, words)}"))
    return _placed(marks, samples.duration_s, columns, " ")


def _since(samples: Samples, at: float, state: str, words: Words) -> str:
    """How long after what caused it a state came: the heal for a return, the fault otherwise."""
    cause = samples.heal_s if state in SERVING else samples.fault_s
    if cause is None or at < cause:
        return ""
    return " " + words.after.format(seconds=number(at - cause, ".1f"))


def _placed(marks: Sequence[tuple[float, str]], duration: float, columns: int, fill: str) -> str:
    """Words on a line at their times; one that has no room is moved right, never over another."""
    line = ""
    for at, word in marks:
        column = int(at / duration * columns)
        if line and column <= len(line):
            line += fill
        line = line.ljust(column, fill) + word
    return line.ljust(columns, fill)


def _lost(result: DrillResult, words: Words) -> str:
    lost = (result.failed_get or 0) + (result.failed_post or 0)
    scheduled = result.scheduled or 0
    share = 100 * lost / scheduled if scheduled else 0.0
    return words.of.format(lost=lost, scheduled=scheduled, share=number(share, ".1f"))


def rebin(series: Series, most: int) -> Series:
    """The same counts in at most `most` bins, each the sum of whole old ones."""
    step = max(1, math.ceil(len(series.scheduled) / most))

    def merged(counts: Sequence[int]) -> tuple[int, ...]:
        return tuple(sum(counts[at : at + step]) for at in range(0, len(counts), step))

    return Series(
        series.bin_s * step,
        merged(series.scheduled),
        merged(series.failed),
        merged(series.slow),
    )


# The picture -----------------------------------------------------------------------------------

LEFT, RIGHT, TOP = 86, 16, 34  # margins of the plot, in the picture's own units
PLOT_W, PLOT_H = 640, 110
BAND_H, BAND_GAP = 20, 6
MOST_BINS = 160  # 4 units each: what an eye still tells apart, and 30 KB are never reached
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:currentColor}"
    ".l{stroke:currentColor;fill:none}.b{fill:currentColor;fill-opacity:.28}"
    ".s{fill:currentColor;fill-opacity:.6}.k{stroke:currentColor;fill-opacity:.12;fill:currentColor}"
)


def svg(result: DrillResult, *, words: Words = ENGLISH) -> str:
    """The timeline as inline SVG; "" for a drill that did not run.

    It takes its colour from the text around it (light and dark), tells kinds apart by hatching
    and by words, and is read aloud by its title and description.
    """
    samples = result.samples
    if samples is None:
        return ""
    servers = sorted({*samples.states, *(server for _, server, _ in samples.changes)})
    key = "dt-" + re.sub(r"[^A-Za-z0-9]+", "-", f"{result.name}-{result.bar}")
    bottom = TOP + PLOT_H + BAND_GAP + len(servers) * (BAND_H + BAND_GAP)
    box = f"0 0 {LEFT + PLOT_W + RIGHT} {bottom + 52}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" role="img"',
        f' aria-labelledby="{key}-t {key}-d" style="max-width:100%;height:auto">',
        f'<title id="{key}-t">{escape(_title(result, words))}</title>',
        f'<desc id="{key}-d">{escape(_desc(result, samples, words))}</desc>',
        _definitions(key),
        *_bars(samples, key, words),
        *_bands(samples, servers, key),
        *_events(samples, bottom, words),
        *_axis(samples, bottom, words),
        *_legend(bottom + 44, key, words),
        "</svg>",
    ]
    return "".join(parts)


def _title(result: DrillResult, words: Words) -> str:
    return words.title.format(name=result.name, verdict=result.verdict.value)


def _desc(result: DrillResult, samples: Samples, words: Words) -> str:
    events = [(at, f"{server} {state}") for at, server, state in samples.changes]
    events += [(at, word) for at, word in _moments(samples, words)]
    return words.desc.format(
        scheduled=result.scheduled or 0,
        duration=number(samples.duration_s),
        lost=(result.failed_get or 0) + (result.failed_post or 0),
        slow=result.slow or 0,
        events=", ".join(f"{number(at, '.1f')} s {what}" for at, what in sorted(events)),
    )


def _moments(samples: Samples, words: Words) -> list[tuple[float, str]]:
    moments = [(samples.fault_s, words.fault), (samples.heal_s, words.healed)]
    return [(at, word) for at, word in moments if at is not None]


def _definitions(key: str) -> str:
    # Styles are named by the picture: an inline <style> reaches the whole page.
    rules = "".join(f"#{key} {rule}" for rule in re.findall(r"[^{}]+\{[^}]*\}", STYLE))
    return (
        f"<defs><style>{rules}</style>"
        f'<pattern id="{key}-h" width="4" height="4" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><path d="M0 0V4" stroke="currentColor" stroke-width="2.4"/>'
        f'</pattern></defs><g id="{key}">'
    )


def _bars(samples: Samples, key: str, words: Words) -> list[str]:
    """Requests per bin from the bottom up: lost (hatched), slow, then the rest."""
    merged = rebin(samples.series, MOST_BINS)
    most = max(1, *merged.scheduled)
    right, slow, lost = [], [], []
    for index, total in enumerate(merged.scheduled):
        failed, late = merged.failed[index], merged.slow[index]
        lost.append(_bar(samples, merged, index, 0, failed, most))
        slow.append(_bar(samples, merged, index, failed, late, most))
        right.append(_bar(samples, merged, index, failed + late, total - failed - late, most))
    label = words.scheduled.format(bin=number(merged.bin_s))
    return [
        f'<text x="{LEFT}" y="14">{escape(label)}</text>',
        f'<text x="{LEFT - 8}" y="{TOP + 10}" text-anchor="end">{most}</text>',
        f'<path class="b" d="{"".join(right)}"/><path class="s" d="{"".join(slow)}"/>',
        f'<path fill="url(#{key}-h)" stroke="currentColor" stroke-width=".6" d="{"".join(lost)}"/>',
    ]


def _bar(samples: Samples, merged: Series, index: int, base: int, count: int, most: int) -> str:
    if count <= 0:
        return ""
    left = _x(samples, index * merged.bin_s)
    width = _x(samples, min(samples.duration_s, (index + 1) * merged.bin_s)) - left
    height = PLOT_H * count / most
    top = TOP + PLOT_H * (1 - base / most) - height
    return f"M{left:.1f} {top:.1f}h{width:.1f}v{height:.1f}h-{width:.1f}z"


def _x(samples: Samples, at: float) -> float:
    return LEFT + PLOT_W * min(1.0, max(0.0, at / samples.duration_s))


def _bands(samples: Samples, servers: Sequence[str], key: str) -> list[str]:
    """A band per server, a piece per state: labelled, and hatched where it does not serve."""
    parts = []
    for row, server in enumerate(servers):
        top = TOP + PLOT_H + BAND_GAP + row * (BAND_H + BAND_GAP)
        parts.append(_label(LEFT - 8, top, escape(server), "end"))
        for begin, end, state in pieces(samples, server):
            parts.append(_piece(samples, begin, end, state, top, key))
    return parts


def pieces(samples: Samples, server: str) -> list[tuple[float, float, str]]:
    """A server's states as (begin, end, state) in seconds, within the run."""
    changes = [(at, state) for at, who, state in samples.changes if who == server]
    starts = [(0.0, samples.states.get(server, "?")), *changes]
    ends = [at for at, _ in changes] + [samples.duration_s]
    return [
        (begin, min(end, samples.duration_s), state)
        for (begin, state), end in zip(starts, ends, strict=True)
        if begin < min(end, samples.duration_s)
    ]


def _piece(samples: Samples, begin: float, end: float, state: str, top: float, key: str) -> str:
    left, width = _x(samples, begin), _x(samples, end) - _x(samples, begin)
    box = f'x="{left:.1f}" y="{top}" width="{width:.1f}" height="{BAND_H}"'
    hatched = "" if state in SERVING else f'<rect {box} fill="url(#{key}-h)" opacity=".45"/>'
    rect = f'<rect class="k" {box}/>{hatched}'
    room = len(state) * 8 + 8
    if width < room:
        return rect
    return rect + _label(left + 5, top, escape(state), "start")


def _label(x: float, top: float, word: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{top + 14.5}" text-anchor="{anchor}">{word}</text>'


def _events(samples: Samples, bottom: float, words: Words) -> list[str]:
    parts = []
    for at, word in _moments(samples, words):
        x = _x(samples, at)
        parts.append(
            f'<path class="l" stroke-dasharray="4 3" d="M{x:.1f} {TOP - 6}V{bottom:.0f}"/>'
            f'<text x="{x + 3:.1f}" y="{TOP - 4}">{escape(word)} {number(at, ".1f")} s</text>'
        )
    return parts


def _axis(samples: Samples, bottom: float, words: Words) -> list[str]:
    step = 5 if samples.duration_s <= 60 else 20
    parts = [f'<path class="l" d="M{LEFT} {bottom:.0f}h{PLOT_W}"/>']
    for second in range(0, int(samples.duration_s) + 1, step):
        x = _x(samples, second)
        parts.append(f'<path class="l" d="M{x:.1f} {bottom:.0f}v4"/>')
        parts.append(
            f'<text x="{x:.1f}" y="{bottom + 17:.0f}" text-anchor="middle">{second}</text>'
        )
    unit = escape(words.seconds)
    parts.append(f'<text x="{LEFT - 8}" y="{bottom + 17:.0f}" text-anchor="end">{unit}</text>')
    return parts


def _legend(y: float, key: str, words: Words) -> list[str]:
    entries: Mapping[str, str] = {
        words.answered: 'class="b"',
        words.slow: 'class="s"',
        words.lost: f'fill="url(#{key}-h)" stroke="currentColor"',
    }
    parts, x = [], LEFT
    for word, look in entries.items():
        parts.append(f'<rect x="{x}" y="{y - 10}" width="14" height="12" {look}/>')
        parts.append(f'<text x="{x + 19}" y="{y}">{escape(word)}</text>')
        x += 19 + 8 * len(word) + 20
    return [*parts, "</g>"]
