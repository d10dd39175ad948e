"""The pictures in a roll's report, as SVG that stands in the page: its style sheet colours them.

The class `r0`, `r1`, … of what is drawn says whose it is: the first release, the second, …. No release is told by
colour alone: the lines of the second are dashed, and its areas hatched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from fleet.rollout import words
from fleet.svg import number, text

# Drawn as wide as a phone is, where a unit is about a pixel; on a desktop several stand beside each other.
WIDTH, HEIGHT = 360, 180
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 24
LOOKS = 4  # as many releases look different; a roll has two, or three where one before it was not finished

Values = Sequence[float | None]  # None: nobody knows


def lines(about: str, at: Sequence[float], seconds: float, values: Mapping[str, Values]) -> str:
    """A line for each release over time.

    Args:
        about: what is drawn, for who can't see it; names and figures are appended.
        at: the points in time, in seconds since the beginning.
        seconds: how long all of it was.
        values: release to a value for each point in time.
    """
    known = [value for own in values.values() for value in own if value is not None]
    most = ceiling(max(known, default=0))
    body = list(_axes(seconds, most))
    for index, own in enumerate(values.values()):
        for piece in _pieces(zip(at, own, strict=True)):
            points = [(_x(when, seconds), _y(value, most)) for when, value in piece]
            if len(points) == 1:
                body.append(
                    f'<circle cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="2" class="dot {look(index)}"/>'
                )
            else:
                body.append(f'<polyline points="{_path(points)}" class="line {look(index)}"/>')
    told = "; ".join(f"{name}: {_told(own)}" for name, own in values.items())
    return _picture(f"{about}. {told}", body)


def areas(about: str, at: Sequence[float], seconds: float, values: Mapping[str, Values]) -> str:
    """Shares (0 to 1) of each release over time, on top of each other; the arguments are those of `lines`."""
    body = []
    below = [0.0] * len(at)
    for index, own in enumerate(values.values()):
        above = [under + (value or 0.0) for under, value in zip(below, own, strict=True)]
        known = [value is not None for value in own]
        for piece in _pieces((n, n if one else None) for n, one in enumerate(known)):
            numbers = [int(n) for n, _ in piece]
            # Half an interval further to both sides, so that a single one is seen too.
            half = (at[1] - at[0]) / 2 if len(at) > 1 else seconds / 2
            xs = [_x(when, seconds) for when in
                  (at[numbers[0]] - half, *(at[n] for n in numbers), at[numbers[-1]] + half)]  # fmt: skip
            edges = [[line[numbers[0]], *(line[n] for n in numbers), line[numbers[-1]]] for line in (above, below)]
            upper, lower = ([(x, _y(value, 1)) for x, value in zip(xs, edge, strict=True)] for edge in edges)
            path = _path([*upper, *reversed(lower)])
            body.append(f'<polygon points="{path}" class="area {look(index)}"/>')
            if index % LOOKS:
                body.append(f'<polygon points="{path}" fill="url(#hatch-{index % LOOKS})"/>')
        below = above
    told = "; ".join(f"{name}: {_told([v and v * 100 for v in own], ' %')}" for name, own in values.items())
    return _picture(f"{about}. {told}", [*body, *_axes(seconds, 1, percent=True)])


def look(index: int) -> str:
    """The class of what belongs to a release."""
    return f"r{index % LOOKS}"


def ceiling(value: float) -> float:
    """The next round number, as the end of an axis."""
    if value < 1e-9:  # so little would be drawn as nothing
        return 1.0
    size = 1.0
    while size < value:
        size *= 10
    while size / 10 >= value:
        size /= 10
    return next(size / 10 * step for step in (1, 2, 2.5, 4, 5, 8, 10) if size / 10 * step >= value * (1 - 1e-9))


def ticks(seconds: float, most: int = 4) -> list[float]:
    """Round points in time from 0 to `seconds`, at most so many after 0."""
    for step in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600):
        if seconds / step <= most:
            break
    else:
        step = -int(-seconds // most)
    return [float(step * n) for n in range(int(seconds // step) + 1)]


def _axes(seconds: float, most: float, *, percent: bool = False) -> Iterable[str]:
    for part in range(3):
        value = most * part / 2
        y = _y(value, most)
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
        yield text(LEFT - 6, y + 4, f"{value * 100:.0f} %" if percent else number(value), "end")
    for when in ticks(seconds):
        x = _x(when, seconds)
        yield text(min(x, WIDTH - RIGHT - 12), HEIGHT - 7, words.duration(when) if when else "0", "middle")


def _pieces(points: Iterable[tuple[float, float | None]]) -> Iterable[list[tuple[float, float]]]:
    """The stretches in which every value is known."""
    piece: list[tuple[float, float]] = []
    for when, value in points:
        if value is not None:
            piece.append((when, value))
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def _x(when: float, seconds: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * min(max(when / seconds if seconds else 0.0, 0.0), 1.0)


def _y(value: float, most: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / most


def _path(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _told(values: Values, unit: str = "") -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "nothing known"
    return f"{number(min(known))} to {number(max(known))}{unit}, {number(sum(known) / len(known))}{unit} in the mean"


def _picture(about: str, body: Iterable[str]) -> str:
    head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(about)}">'
    return "\n".join([head, *body, "</svg>"])
