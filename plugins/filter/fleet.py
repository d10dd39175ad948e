"""Filters through which playbooks ask for decisions; they are made in the package `fleet`.

Each imports what it needs when it is called: Ansible loads all filters anew in the process of every task on every
host, and most of those call none of these (jsonschema alone was two thirds of a deployment's CPU time).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from ansible.errors import AnsibleFilterError


def decision(module: str, name: str) -> Callable:
    """The function `name` of `fleet.MODULE`, whose FleetError becomes the task's message."""

    def call(*arguments: object, **options: object) -> object:
        function = getattr(import_module(f"fleet.{module}"), name)
        try:
            return function(*arguments, **options)
        except import_module("fleet.errors").FleetError as error:
            raise AnsibleFilterError(str(error)) from error

    return call


class FilterModule:
    """Name of each filter to what decides it."""

    def filters(self) -> dict[str, Callable]:
        return {
            "desired_services": decision("translate", "desired_services"),
            "firewall_rules": decision("firewall", "rules"),
            "fleet_catalogue": decision("catalogue", "complete"),
            "fleet_preflight": decision("preflight", "problems"),
            "fleet_status": decision("status", "text_and_verdict"),
            "http_services": decision("translate", "http_services"),
            "http_timeout": decision("translate", "http_timeout"),
            "preflight_hosts": decision("facts", "preflight_hosts"),
            "rabbitmq_cluster_plan": decision("cluster", "plan"),
            "rabbitmq_definitions": decision("definitions", "document"),
            "rabbitmq_users": decision("translate", "rabbitmq_users"),
            "redis_users": decision("translate", "redis_users"),
            "service_instances_plan": decision("instances", "plan"),
            "status_facts": decision("facts", "status_facts"),
        }
