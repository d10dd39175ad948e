"""Modules find what they share as they do on a host."""

import ansible.module_utils

from fleet.paths import ROOT

ansible.module_utils.__path__.append(str(ROOT / "plugins" / "module_utils"))
