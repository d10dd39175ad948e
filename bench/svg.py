"""Plots as SVG, written by hand: bars and lines in panels, which every browser and GitHub shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

from fleet.svg import COLOURS, number, rectangle, text

PANEL = 470
LABEL = 225  # left of the bars
ROW, GROUP_GAP = 13, 7
PLOT_HEIGHT = 220


@dataclass(frozen=True)
class Bar:
    """One bar in pieces, each (colour, size), with the text beside it."""

    pieces: list[tuple[str, float]]
    text: str


@dataclass(frozen=True)
class Bars:
    """A panel of groups of bars: (label, bars)."""

    title: str
    groups: list[tuple[str, list[Bar]]]

    @property
    def height(self) -> int:
        return 34 + sum(ROW * len(bars) + GROUP_GAP for _, bars in self.groups)

    def draw(self, x: int, y: int) -> Iterable[str]:
        yield text(x, y + 16, self.title, "title")
        longest = max((sum(size for _, size in bar.pieces) for _, bars in self.groups for bar in bars), default=0) or 1
        scale = (PANEL - LABEL - 75) / longest
        top = y + 26
        for label, bars in self.groups:
            yield text(x + LABEL - 8, top + ROW * len(bars) / 2 + 4, label, "label")
            for bar in bars:
                left = x + LABEL
                for colour, size in bar.pieces:
                    width = size * scale
                    yield rectangle(left, top + 1, width, ROW - 2, colour)
                    left += width
                yield text(left + 4, top + ROW - 3, bar.text, "small")
                top += ROW
            top += GROUP_GAP


@dataclass(frozen=True)
class Lines:
    """A panel of lines: name to points; both axes from 0 up, x by position if `steps` name its values."""

    title: str
    x_title: str
    lines: Mapping[str, list[tuple[float, float]]]
    steps: tuple[str, ...] = ()
    height: int = PLOT_HEIGHT + 70

    def draw(self, x: int, y: int) -> Iterable[str]:
        yield text(x, y + 16, self.title, "title")
        left, bottom, width = x + 55, y + 30 + PLOT_HEIGHT, PANEL - 90
        points = [point for line in self.lines.values() for point in line]
        x_most = max((point[0] for point in points), default=0) or 1
        y_most = max((point[1] for point in points), default=0) or 1
        for part in range(5):
            height = bottom - PLOT_HEIGHT * part / 4
            yield f'<line x1="{left}" x2="{left + width}" y1="{height:.1f}" y2="{height:.1f}" class="grid"/>'
            yield text(left - 6, height + 4, number(y_most * part / 4), "label")
        names = self.steps or [number(x_most * part / 4) for part in range(5)]
        for index, name in enumerate(names):
            yield text(left + width * index / max(1, len(names) - 1), bottom + 16, name, "middle")
        yield text(left + width / 2, bottom + 34, self.x_title, "middle")
        for index, line in enumerate(self.lines.values()):
            path = " ".join(
                f"{left + width * at / x_most:.1f},{bottom - PLOT_HEIGHT * value / y_most:.1f}" for at, value in line
            )
            yield f'<polyline points="{path}" fill="none" stroke="{COLOURS[index % len(COLOURS)]}" stroke-width="2"/>'


def document(title: str, notes: list[str], legend: list[tuple[str, str]], rows: list[list]) -> str:
    """A whole picture: rows of panels under a title, notes, and a legend of (colour, name)."""
    width = 20 + 2 * (PANEL + 20)  # rows have one panel or two
    body = [text(20, 28, title, "heading")]
    y = 30
    for note in notes:
        y += 18
        body.append(text(20, y, note, "note"))
    if legend:
        y += 12
        x = 20
        for colour, name in legend:
            if x + 7 * len(name) + 40 > width:
                x, y = 20, y + 18
            body += [rectangle(x, y, 12, 12, colour), text(x + 17, y + 10, name, "note")]
            x += 40 + 7 * len(name)
        y += 20
    for row in rows:
        for column, panel in enumerate(row):
            body += panel.draw(20 + column * (PANEL + 20), y + 8)
        y += max(panel.height for panel in row) + 14
    style = (
        "text{font-family:system-ui,sans-serif;fill:#222}.heading{font-size:18px;font-weight:600}"
        ".title{font-size:14px;font-weight:600}.note{font-size:12px}.label{font-size:12px;text-anchor:end}"
        ".middle{font-size:12px;text-anchor:middle}.small{font-size:10px}.grid{stroke:#ddd}"
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y + 10}" role="img"'
    return "\n".join(
        [
            f'{head} aria-label="{escape(title)}">',
            f"<style>{style}</style>",
            '<rect width="100%" height="100%" fill="#fff"/>',
            *body,
            "</svg>\n",
        ]
    )
