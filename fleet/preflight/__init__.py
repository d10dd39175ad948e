"""What must be right before a run touches any host; every problem with its remedy, all at once."""

from __future__ import annotations

from collections.abc import Mapping

from fleet import catalogue
from fleet.preflight.capacity import capacity_problems
from fleet.preflight.common import problem
from fleet.preflight.fleet_shape import group_problems, limit_problems, skip_problems
from fleet.preflight.hosts import address_problems, broker_problems, clock_problems, host_problems, vip_problems
from fleet.preflight.record import record_problems
from fleet.preflight.services import contract_problems, move_problems, release_problems, secret_problems, ssh_ports


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
            to what they were), `limit` (as typed, empty without) and `releases_dir`.

    Returns:
        Each problem and its remedy, as sentences under `problem` and `remedy`; empty when the run may begin.
    """
    if facts["limit"]:
        return list(limit_problems(facts))  # most hosts were not looked at, so there is no more to say
    parts = [group_problems(facts), skip_problems(facts), host_problems(facts), address_problems(facts)]
    parts += [vip_problems(facts), clock_problems(facts), broker_problems(facts)]
    if wrong := catalogue.problems(facts["services"], ssh_ports(facts)):
        parts.append(problem(sentence, "Correct inventory/group_vars/all/services.yml.") for sentence in wrong)
    else:
        parts += [record_problems(facts), move_problems(facts), secret_problems(facts)]
        parts += [release_problems(facts), contract_problems(facts)]
        parts.append(capacity_problems(facts))
    return [one for part in parts for one in part]
