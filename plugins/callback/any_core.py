"""Lets a run use all cores of a small controller: it shows nothing."""

from __future__ import annotations

import os

from ansible import constants
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: any_core
type: aggregate
short_description: Has Mitogen pin no process to a core where there are few
description:
  - Mitogen pins its own process to the first core and all others to the rest, which on two cores is one core for all
    tasks of all hosts and all of ssh, while the first has little to do. From four cores on its way is kept.
"""

FEW = 4  # below which mitogen's affinity.py reserves one core for its own process and none for Ansible's


class CallbackModule(CallbackBase):
    """Takes the policy away when the playbook starts, which is before the strategy's processes are made."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "any_core"

    def v2_playbook_on_start(self, _playbook) -> None:
        if constants.DEFAULT_STRATEGY.startswith("mitogen") and (os.cpu_count() or 1) < FEW:
            from ansible_mitogen import affinity

            affinity.policy = affinity.Policy()
