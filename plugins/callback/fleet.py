"""What a person follows while services roll: plan, batches, verdicts and what went wrong."""

from __future__ import annotations

import re
import time

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: fleet
type: stdout
short_description: A line for each step that concerns people
description:
  - Shows the names of steps that act, what C(debug) and C(assert) have to say, and failures. The Makefile sets it for
    rolls; a plain C(ansible-playbook) shows everything.
"""

TOLD = ("ansible.builtin.debug", "ansible.builtin.assert", "debug", "assert")
#: How the names of a roll's steps begin.
STEP = "Step "
#: What Ansible puts before what a filter has to say.
_FILTER = re.compile(r".*The filter plugin '[\w.]+' failed: ", re.DOTALL)


class CallbackModule(CallbackBase):
    """Prints as things happen, each line with the seconds since the beginning."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "fleet"

    def __init__(self):
        super().__init__()
        self._began = time.monotonic()

    def _say(self, text: str, color: str | None = None) -> None:
        for line in text.splitlines() or [""]:
            self._display.display(f"{time.monotonic() - self._began:5.0f} s  {line}", color=color)

    def v2_playbook_on_include(self, included_file) -> None:
        name = included_file._task.get_name()
        if included_file._is_role and name.startswith(STEP):
            self._say(f"{name.removeprefix(STEP)} on {', '.join(host.get_name() for host in included_file._hosts)}")

    def v2_runner_on_ok(self, result) -> None:
        if result._task.action in TOLD and result._result.get("msg") not in (None, [], "All assertions passed"):
            message = result._result["msg"]
            self._say("\n".join(message) if isinstance(message, list) else str(message))

    def v2_runner_on_failed(self, result, ignore_errors=False) -> None:
        if result._task.ignore_errors or ignore_errors:
            return
        said = [one.get("msg", "") for one in result._result.get("results", []) if one.get("failed")]
        message = " ".join(filter(None, said)) or result._result.get("msg", "it failed without a word")
        decided = _FILTER.sub("", message, count=1)
        self._say(decided if decided != message else f"{result._host.get_name()}: {message}", color="red")

    def v2_runner_on_unreachable(self, result) -> None:
        self._say(f"{result._host.get_name()} can't be reached: {result._result.get('msg', '')}", color="red")
