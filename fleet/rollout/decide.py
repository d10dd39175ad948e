"""What a run does about services: a new roll, the rest of one that was interrupted, its withdrawal, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fleet.errors import FleetError
from fleet.record.entries import recorded, same_revision


def decide(
    record: Mapping, kind: str, desired: Mapping[str, Mapping], steps: Mapping[str, Mapping], order: Sequence[str]
) -> dict:
    """Decide by the record and by what there is to do.

    Args:
        record: the fleet's record.
        kind: what was asked for, see `fleet.rollout.wish`.
        desired: the services that the run was asked to make true, to their `entry` and `revision`.
        steps: host to what is to be done there, by service (`fleet.instances.plan`).
        order: the services in the order of their rolls.

    Returns:
        `direction` (`forward`, `back` or `none`), `services` (names in the order of their rolls), and `changes`: what
        each changes `from` and `to`, an entry with its revision and, if it has secrets, their digest, or null for none.

    Raises:
        FleetError: another roll is unfinished.
    """
    unfinished = record["roll"]
    changes = _changes(record, desired, steps, order)
    if kind == "deploy":
        changes |= {
            name: {"from": _half(one), "to": None} for name, one in record["services"].items() if name not in desired
        }
    if unfinished:
        if kind not in ("promote", "abort"):
            # A deployment is asked for everything, the others for what they name.
            _must_be_the_same(unfinished, changes, [] if kind == "deploy" else list(desired))
        if kind == "promote":
            _must_be_the_canarys(unfinished, desired)
        # In the record's order the names are sorted.
        changes = {name: unfinished["services"][name] for name in _in_order(unfinished["services"], order)}
    back = unfinished and (kind == "abort" or unfinished["phase"] == "withdrawing")
    direction = "back" if back else "forward" if changes else "none"
    return {"direction": direction, "services": list(changes), "changes": changes}


def _half(one: Mapping) -> dict:
    digest = one.get("secrets_digest")
    known = {"secrets_digest": digest} if digest else {}
    return {"entry": recorded(one["entry"]), "revision": one["revision"], **known}


def _in_order(names: Mapping, order: Sequence[str]) -> list[str]:
    return sorted(names, key=lambda name: order.index(name) if name in order else len(order))


def _changes(
    record: Mapping, desired: Mapping[str, Mapping], steps: Mapping[str, Mapping], order: Sequence[str]
) -> dict:
    """What differs from the record, or from what there should be on some host."""
    to_do = {service for host in steps.values() for service in host}
    changes = {}
    for service in _in_order(desired, order):
        there = record["services"].get(service)
        before, after = there and _half(there), _half(desired[service])
        if service in to_do or not same_revision(before, after):
            changes[service] = {"from": before, "to": after}
    return changes


def _must_be_the_same(unfinished: Mapping, changes: Mapping, named: Sequence[str]) -> None:
    """What is asked for may leave out what is done already, and has nothing that the unfinished roll hasn't."""
    told = f"The roll by {unfinished['who']} ({unfinished['what']})"
    if unfinished["phase"] == "canary":
        raise FleetError(f"{told} stands at its canary: type `make promote` or `make abort` first.")
    planned = unfinished["services"]
    different = [name for name, one in changes.items() if not same_revision(one["to"], planned.get(name, {}).get("to"))]
    different += [name for name in named if name not in planned and name not in different]
    if different:
        raise FleetError(
            f"{told} is unfinished, and this is another, for it differs in {', '.join(different)}: type what began it,"
            " and it goes on, or `make abort`, and it is withdrawn."
        )


def _must_be_the_canarys(unfinished: Mapping, desired: Mapping[str, Mapping]) -> None:
    """What this clone would start is what the first hosts have, secrets included."""
    planned = unfinished["services"]
    different = [name for name, one in desired.items() if one["revision"] != planned[name]["to"]["revision"]]
    if different:
        raise FleetError(
            f"This clone has other settings, secrets or playbooks for {', '.join(different)} than what"
            f" {unfinished['who']} began with: type `make promote` where that was, or `make abort`."
        )


def before(changes: Mapping[str, Mapping]) -> dict[str, Mapping]:
    """The entries of the services as they were before the roll, of those that it changes."""
    return {name: one["from"]["entry"] for name, one in changes.items() if one["from"] and one["to"]}


def back(desired: Mapping[str, Mapping], changes: Mapping[str, Mapping]) -> dict[str, Mapping]:
    """`desired` of the former entries with the revisions that the record has, so that what runs with them counts."""
    former = {name: changes[name]["from"] for name in desired}
    exact = {name: {**one, "revision": former[name]["revision"]} for name, one in desired.items()}
    return as_kept(exact, former)


def as_kept(desired: Mapping[str, Mapping], former: Mapping[str, Mapping]) -> dict[str, Mapping]:
    """`desired` with the secrets that hosts have kept, where the controller has others than a service had.

    Args:
        desired: see `fleet.translate.desired_services`.
        former: some of the services as the record has them: `revision`, `secrets_digest`.
    """
    return {name: _as_kept(one, former.get(name)) for name, one in desired.items()}


def _as_kept(wanted: Mapping, former: Mapping | None) -> Mapping:
    digest = (former or {}).get("secrets_digest")
    if digest in (None, wanted["secrets_digest"]):
        return wanted
    kept = {"revision": former["revision"], "secrets_digest": digest}
    return {**wanted, **kept, "own_secrets": {}, "secrets_kept": True}


def own(instances: list[Mapping], changes: Mapping[str, Mapping]) -> list[Mapping]:
    """The instances that a withdrawal may touch: of a service that the record didn't know only what the roll began."""
    return [
        one
        for one in instances
        if (change := changes.get(one["service"])) and change["to"]
        if change["from"] or one["revision"] == change["to"]["revision"]
    ]


def what(changes: Mapping[str, Mapping]) -> str:
    """A roll in a few words: `greeting 1.0.0 -> 2.0.0, trips 1.0.0 (configuration)`."""
    return ", ".join(_one(name, change) for name, change in changes.items()) or "nothing"


def _one(name: str, change: Mapping) -> str:
    old, new = (change[side] and change[side]["entry"]["release"] for side in ("from", "to"))
    if old is None or new is None:
        return f"{name} {new or old} ({'new' if old is None else 'removed'})"
    if old != new:
        return f"{name} {old} -> {new}"
    return f"{name} {new} ({'what is missing' if change['from'] == change['to'] else 'configuration'})"
