"""Whether what was typed for the roll itself means something, before a canary has to find out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from fleet.errors import FleetError
from fleet.preflight.common import problem
from fleet.rollout.bake import Limits
from fleet.rollout.batches import percentage

UNSURE = ("continue", "withdraw")
LEAST = {"rollout_settle": 0, "rollout_bake": 0, "releases_kept": 1}


def option_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    """Of the variables in `inventory/group_vars/all/platform.yml`, which may be typed with `-e` as well."""
    options = facts["options"]
    if facts["kind"] == "deploy" and options["plan_only"]:
        yield problem(
            "plan_only tells of services alone, and a deployment changes more.",
            "Type `make deploy ARGS='--check --diff'`.",
        )
    remedy = "Correct it where you typed it, or in inventory/group_vars."
    for name, least in LEAST.items():
        if not _is_number(options[name]) or int(options[name]) < least:
            yield problem(f"{name} is {options[name]!r}: give a whole number, {least} or more.", remedy)
    if options["rollout_unsure"] not in UNSURE:
        yield problem(f"rollout_unsure is {options['rollout_unsure']!r}: valid: {', '.join(UNSURE)}.", remedy)
    shares = {"rollout_batch": options["rollout_batch"]} | ({"CANARY": facts["canary"]} if facts["canary"] else {})
    attempts = [partial(percentage, share, name) for name, share in shares.items()]
    for attempt in [*attempts, partial(Limits.of, options["rollout_limits"])]:
        try:
            attempt()
        except FleetError as error:
            yield problem(str(error), remedy)


def _is_number(given: object) -> bool:
    return not isinstance(given, bool) and str(given).isascii() and str(given).isdecimal()
