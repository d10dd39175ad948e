"""Services in a few lines, and their contracts."""

from fleet.contract import extract

IMPORTS = """
from typing import Annotated, Any, Literal, NewType, NotRequired, Optional, Required, TypedDict, Union
from nameko.rpc import rpc, RpcProxy
from nameko.events import event_handler
from nameko.web.handlers import http
"""


def contract(body="", name="airports_service", imports=IMPORTS, **modules):
    """The contract of a service with this class body, in a package with these other modules.

    A line of the body that begins with `def` is an `@rpc` method; what needs more indentation brings it.
    """
    lines = []
    for line in body.strip().splitlines():
        if line.startswith("def ") and not (lines and lines[-1].lstrip().startswith("@")):
            lines.append("    @rpc")
        lines.append(f"    {line}")
    source = f"{imports}\nclass Service:\n    name = {name!r}\n" + "\n".join(lines)
    return of(source, **modules)


def of(source, **modules):
    """The contract of the service in `package/service.py`."""
    files = {"package/__init__.py": b"", "package/service.py": source.encode()}
    files |= {f"package/{module}.py": text.encode() for module, text in modules.items()}
    return extract(files, "package.service")
