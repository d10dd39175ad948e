"""Has what every task needs loaded before the first: it shows nothing."""

from __future__ import annotations

from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import filter_loader, test_loader

DOCUMENTATION = """
name: preload
type: aggregate
short_description: Loads the filters and tests of templates once
description:
  - Ansible runs each task on each host in a process of its own, a copy of its first, which loads all filters and tests
    as soon as it meets a template. What the first has loaded its copies have.
"""


class CallbackModule(CallbackBase):
    """Loads them when the playbook starts, which is after the command line is read and before any copy is made."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "preload"

    def v2_playbook_on_start(self, _playbook) -> None:
        for loader in (filter_loader, test_loader):
            for _ in loader.all():
                pass
