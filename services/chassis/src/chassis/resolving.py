"""Names of hosts are looked up by eventlet's resolver, which keeps no other greenlet waiting, loaded at the first name.

eventlet's own resolver brings dnspython along, which is a third of the CPU time that an instance takes to start, and
most instances only ever connect to addresses. So the fleet starts them with `EVENTLET_NO_GREENDNS=yes`
(https://eventlet.readthedocs.io/en/latest/environment.html), and the container puts this in its place.
"""

import socket
import sys
from functools import partial
from ipaddress import ip_address

from eventlet import patcher
from eventlet.green import socket as green_socket

_RESOLVER = "eventlet.support.greendns"


def install():
    """Look names up this way, in a process that eventlet has patched without its resolver."""
    if _RESOLVER in sys.modules or not patcher.is_monkey_patched("socket"):
        return
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        look_up = partial(_look_up, name, getattr(green_socket, name))
        for module in (socket, green_socket):  # the latter's own functions find it there
            setattr(module, name, look_up)


def _look_up(name, blocking, host, *args, **kwargs):
    if host in (None, "", "localhost") or _is_address(host):
        return blocking(host, *args, **kwargs)  # which asks nobody
    from eventlet.support import greendns

    return getattr(greendns, name)(host, *args, **kwargs)


def _is_address(host):
    try:
        ip_address(host.decode("latin-1") if isinstance(host, bytes) else host)
    except ValueError:
        return False
    return True
