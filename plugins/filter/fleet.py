"""Filters through which playbooks ask for decisions; they are made in the package `fleet`.

All of it is loaded with this file, which is once: in the first process, for the copies that run a task on a host (see
callback/preload.py). Each copy for itself took a third of the workers' CPU time in a roll.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from ansible.errors import AnsibleFilterError

from fleet.errors import FleetError


def decision(module: str, name: str) -> Callable:
    """The function `name` of `fleet.MODULE`, whose FleetError becomes the task's message."""
    function = getattr(import_module(f"fleet.{module}"), name)

    def call(*arguments: object, **options: object) -> object:
        try:
            return function(*arguments, **options)
        except FleetError as error:
            raise AnsibleFilterError(str(error)) from error

    return call


class FilterModule:
    """Name of each filter to what decides it."""

    def filters(self) -> dict[str, Callable]:
        return {
            "desired_services": decision("translate", "desired_services"),
            "firewall_rules": decision("firewall", "rules"),
            "fleet_allowed_breaks": decision("preflight", "allowed_breaks"),
            "fleet_catalogue": decision("catalogue", "complete"),
            "fleet_preflight": decision("preflight", "problems"),
            "fleet_status": decision("status", "text_and_verdict"),
            "http_services": decision("translate", "http_services"),
            "http_timeout": decision("translate", "http_timeout"),
            "preflight_hosts": decision("facts", "preflight_hosts"),
            "rabbitmq_cluster_plan": decision("cluster", "plan"),
            "rabbitmq_definitions": decision("definitions", "document"),
            "rabbitmq_users": decision("translate", "rabbitmq_users"),
            "record_answers": decision("record.majority", "answers"),
            "record_judge": decision("record.lock", "judge"),
            "record_kept": decision("record.majority", "kept"),
            "record_newest": decision("record.majority", "newest"),
            "record_public": decision("record.revision", "public"),
            "record_readable": decision("facts", "readable_record"),
            "record_unlocked": decision("record.lock", "unlocked"),
            "record_why_unreadable": decision("record.majority", "why_unreadable"),
            "record_won": decision("record.lock", "won"),
            "redis_users": decision("translate", "redis_users"),
            "roll_as_kept": decision("rollout.decide", "as_kept"),
            "roll_back": decision("rollout.decide", "back"),
            "roll_bake": decision("rollout.seen", "bake"),
            "roll_batches": decision("rollout.batches", "of_services"),
            "roll_before": decision("rollout.decide", "before"),
            "roll_begun": decision("rollout.conclude", "begun"),
            "roll_catalogue": decision("rollout.wish", "whole"),
            "roll_decide": decision("rollout.decide", "decide"),
            "roll_ended": decision("rollout.conclude", "ended"),
            "roll_failures": decision("rollout.outcome", "failures"),
            "roll_follow": decision("rollout.catalogue_file", "follow"),
            "roll_former": decision("rollout.wish", "former"),
            "roll_history": decision("rollout.past", "lines"),
            "roll_kept": decision("record.previous", "kept"),
            "roll_lease": decision("rollout.batches", "lease"),
            "roll_lock": decision("rollout.conclude", "locked"),
            "roll_moved": decision("rollout.conclude", "moved"),
            "roll_not_compared": decision("rollout.order", "not_compared"),
            "roll_order": decision("rollout.order", "order"),
            "roll_own": decision("rollout.decide", "own"),
            "roll_plan": decision("rollout.plan", "lines"),
            "roll_reason": decision("rollout.outcome", "reason"),
            "roll_report": decision("rollout.seen", "report"),
            "roll_targets": decision("rollout.wish", "targets"),
            "roll_turns": decision("rollout.batches", "turns"),
            "roll_verdict": decision("rollout.conclude", "verdict"),
            "service_instances_plan": decision("instances", "plan"),
            "status_facts": decision("facts", "status_facts"),
        }
