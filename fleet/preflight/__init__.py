"""What must be right before a run touches any host; every problem with its remedy, all at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fleet import catalogue
from fleet.preflight.capacity import capacity_problems
from fleet.preflight.common import problem
from fleet.preflight.contracts import allowed_breaks, contract_problems
from fleet.preflight.fleet_shape import group_problems, limit_problems, skip_problems
from fleet.preflight.hosts import address_problems, broker_problems, clock_problems, host_problems, vip_problems
from fleet.preflight.options import option_problems
from fleet.preflight.record import lock_problems, record_problems, unreadable_problems
from fleet.preflight.services import move_problems, release_problems, secret_problems, ssh_ports
from fleet.record.majority import why_unreadable

__all__ = ["allowed_breaks", "problems"]


def problems(facts: Mapping) -> list[dict[str, str]]:
    """Judge a fleet by what was gathered of it.

    Args:
        facts: `groups` (core, app and edge to host names), `hosts` (name to `reachable`, `address` and, of those that
            answer, the facts of module `fleet_host` with `clock_offset` in seconds, the `instances` that are there and,
            where new releases roll, how its `broker` is; see `fleet.facts`), `services` (what is to run in
            the end), `rolls` (those of them that the run was asked for), `kind` (of the run, see `fleet.rollout.wish`),
            `release` (as typed, empty without), `record_answers` (of module `fleet_record`, by core host), `secrets`,
            `vip`, `skip` (names of app hosts to leave out), `outage` (names of services whose port may change),
            `allow_incompatible` (ids of breaks that are agreed to), `allow_older` (names of services that may go back
            to what they were), `canary` (as typed, empty where the run doesn't stop at one), `options` (the variables
            of rolls), `tells_only` (whether the run changes nothing), `catalogue` (this clone's own, complete, where a
            rollout is asked for), `limit` (as typed, empty without) and `releases_dir`.

    Returns:
        Each problem and its remedy, as sentences under `problem` and `remedy`; empty when the run may begin.
    """
    if facts["limit"]:
        return list(limit_problems(facts))  # most hosts were not looked at, so there is no more to say
    parts = [group_problems(facts), skip_problems(facts), host_problems(facts), address_problems(facts)]
    parts += [vip_problems(facts), clock_problems(facts), broker_problems(facts), option_problems(facts)]
    why = why_unreadable(facts["record_answers"], facts["groups"].get("core", []))
    parts.append(unreadable_problems(facts, why) if why else lock_problems(facts))
    if why and facts["kind"] != "deploy":
        return _all(parts)  # the record alone says what such a run is about
    typed = facts["kind"] == "rollout" and facts["release"]
    where = "Correct RELEASE=." if typed else "Correct inventory/group_vars/all/services.yml."
    if wrong := catalogue.problems(facts["services"], ssh_ports(facts)):
        parts.append(problem(sentence, where) for sentence in wrong)
    else:
        parts += [] if why else [record_problems(facts)]
        parts += [move_problems(facts), secret_problems(facts)]
        parts += [release_problems(facts), contract_problems(facts)]
        parts.append(capacity_problems(facts))
    return _all(parts)


def _all(parts: Iterable[Iterable[dict[str, str]]]) -> list[dict[str, str]]:
    return [one for part in parts for one in part]
