"""What there is to tell of a roll when it has ended, as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from fleet.errors import FleetError
from fleet.rollout import words
from fleet.rollout.samples import Samples
from fleet.rollout.view import view


def html(roll: Mapping, samples: Samples) -> str:
    """The page.

    Args:
        roll: `id`, `who`, `what`, `began` and `ended` (epoch seconds), `verdict` (finished, withdrawn, aborted,
            canary), `reason`; `services`, name to `from` and `to` (releases, `from` empty at a first installation);
            `gate` with `breaks` and `allowed`; `proofs` and `bakes`, lists as the roll made them; `seconds`, phase to
            how long it took; `hosts`, `left_out`. What is missing is left out of the page.
        samples: by host, the lines of `service_sampler`; may be empty.
    """
    return _template().render(view(roll, samples))


def write(path: str | Path, roll: Mapping, samples: Samples) -> str:
    """Write the page, making folders as needed, and return its path. A reader never sees half of it."""
    path = Path(path)
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Half of a surrogate pair, which JSON can carry, is no text that a file can hold.
        beside.write_text(html(roll, samples), "utf-8", errors="replace")
        beside.replace(path)
    except OSError as error:
        raise FleetError(
            f"The report can't be written to {path}: {error.strerror}. Make {path.parent} writable."
        ) from error
    return str(path)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,  # names of outcomes and reasons come from anywhere
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        duration=words.duration,
        milliseconds=words.milliseconds,
        moment=words.moment,
        percent=words.percent,
        plain=words.plain,
        smoke_calls=words.smoke_calls,
    )
    return environment.get_template("report.html.j2")
