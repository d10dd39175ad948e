"""What most of the core hosts say, which is what the fleet says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from fleet.errors import FleetError
from fleet.record.document import FORMAT, empty

Answers = Mapping[str, Mapping | None]  # of the module fleet_record by core host; None of one that didn't answer


def answers(hosts: Iterable[str], hostvars: Mapping[str, Mapping], variable: str) -> dict[str, Mapping | None]:
    """What a play registered in `variable` on each core host, None where the module didn't run to its end."""
    found = {host: hostvars.get(host, {}).get(variable) or {} for host in hosts}
    return {host: answer if "done" in answer else None for host, answer in found.items()}


def required(hosts: Sequence[str]) -> int:
    """How many of all core hosts are a majority."""
    return len(hosts) // 2 + 1


def require_answers(given: Answers, hosts: Sequence[str]) -> dict[str, Mapping]:
    """The answers that there are.

    Raises:
        FleetError: they are no majority.
    """
    there = {host: given[host] for host in hosts if given.get(host) is not None}
    if len(there) < required(hosts):
        missing = ", ".join(host for host in hosts if host not in there)
        raise FleetError(
            f"The fleet's record is on its core hosts, and {missing} can't be asked: {required(hosts)} of "
            f"{len(hosts)} must answer. Type `make status`, bring core hosts back, and type your command again."
        )
    return there


def newest(given: Answers, hosts: Sequence[str]) -> dict:
    """The record with the highest version that there is; an empty one when no host has one.

    Raises:
        FleetError: too few hosts can tell, or the record is of a form that this clone doesn't know.
    """
    there = require_answers(given, hosts)
    # One that had a record and lost it could have been the only one with the newest.
    broken = {host: answer["broken"] for host, answer in there.items() if _is_broken(answer)}
    if len(there) - len(broken) < required(hosts):
        missing = ", ".join(host for host in hosts if host not in there)
        remedy = f"Bring {missing} back" if missing else f"Delete the file on {', '.join(broken)}, which forgets it"
        raise FleetError(
            f"Too few core hosts can read the fleet's record. {' '.join(f'{k}: {v}' for k, v in broken.items())} "
            f"{remedy}, and type your command again."
        )
    records = [answer["record"] for answer in there.values() if answer["record"]]
    if not records:
        return empty()
    texts = [json.dumps(record, sort_keys=True) for record in records]
    # Two that differ in spite of one version are not expected; should there be such, all runs take the same.
    order = [(record["version"], texts.count(text), text) for record, text in zip(records, texts, strict=True)]
    record = dict(records[order.index(max(order))])
    if record.get("format") != FORMAT:
        raise FleetError(
            f"The fleet's record has the form {record.get('format')}, and this clone knows {FORMAT} alone: it is older "
            "than the fleet. Type `git pull`."
        )
    return record


def why_unreadable(given: Answers, hosts: Sequence[str]) -> str:
    """Why the record can't be read (`newest`), in sentences; empty when it can."""
    try:
        newest(given, hosts)
    except FleetError as error:
        return str(error)
    return ""


def kept(given: Answers, hosts: Sequence[str], what: str) -> bool:
    """Whether a majority has done what was asked of it, which is true or an error.

    `what` completes the sentence "... is known to NAMES alone", such as "What this roll is to change".

    Raises:
        FleetError: fewer have.
    """
    done = [host for host in hosts if (given.get(host) or {}).get("done")]
    if len(done) < required(hosts):
        raise FleetError(
            f"{what} is known to {', '.join(done) or 'no core host'}{' alone' if done else ''}, but "
            f"{required(hosts)} of {', '.join(hosts)} must know it: another run has taken over, or core hosts are "
            "down. Type `make status`, bring core hosts back, and type your command again."
        )
    return True


def _is_broken(answer: Mapping) -> bool:
    return "record" in answer["broken_parts"]
