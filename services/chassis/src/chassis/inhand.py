"""What an instance has in hand: which calls an operator waits for while it drains."""

import time

from chassis.http.entrypoint import HttpRequestHandler
from chassis.rpc import Rpc
from chassis.rpc.server import RpcConsumer

SHOWN_MAX = 20  # calls; the rest are only counted


def in_hand(container):
    """Return the calls that a container works on, the one that takes longest first, and their number.

    RPC is in hand from its delivery until its acknowledgement; all else, HTTP requests too, while a worker has it.
    """
    calls = [call for one in container.extensions if isinstance(one, RpcConsumer) for call in one.in_hand]
    now = time.monotonic()
    for worker_ctx in list(container._worker_threads):
        entrypoint = worker_ctx.entrypoint
        if not isinstance(entrypoint, Rpc):
            seconds = now - getattr(worker_ctx, "started", now)
            calls.append((_method(entrypoint, worker_ctx), worker_ctx.call_id, seconds))
    calls.sort(key=lambda call: -call[2])
    names = ("method", "call_id", "seconds")
    shown = [dict(zip(names, (*call[:2], round(call[2], 3)), strict=True)) for call in calls[:SHOWN_MAX]]
    return shown, len(calls)


def _method(entrypoint, worker_ctx):
    if isinstance(entrypoint, HttpRequestHandler):
        request = worker_ctx.args[0]
        return f"{request.method} {request.route}"
    return entrypoint.method_name
