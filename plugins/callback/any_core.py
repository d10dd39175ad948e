"""Lets a run use every core of the controller: it shows nothing."""

from __future__ import annotations

from ansible import constants
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: any_core
type: aggregate
short_description: Has Mitogen pin no process to a core
description:
  - Mitogen pins its own process to the first core and all others to the rest, which on two cores is one core for all
    tasks of all hosts and all of ssh, while the first has little to do. Where a process runs is the kernel's to say.
"""


class CallbackModule(CallbackBase):
    """Takes the policy away when the playbook starts, which is before the strategy's processes are made."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "any_core"

    def v2_playbook_on_start(self, _playbook) -> None:
        if constants.DEFAULT_STRATEGY.startswith("mitogen"):
            from ansible_mitogen import affinity

            affinity.policy = affinity.Policy()
