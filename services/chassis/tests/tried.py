"""What several tests of HTTP serve."""

import threading

import eventlet
from chassis.http import http
from nameko.extensions import DependencyProvider

GATE = threading.Event()


class Service:
    """Answers at once, or not before the gate is open."""

    name = "tried_service"

    @http("GET", "/slow")
    def slow(self, _request):
        while not GATE.is_set():
            eventlet.sleep(0.01)
        return "done"

    @http("GET,POST", "/quick")
    def quick(self, _request):
        return "done"


class Context(DependencyProvider):
    """What goes with every call that the worker makes."""

    def get_dependency(self, worker_ctx):
        return worker_ctx.context_data


class RepeatKey(DependencyProvider):
    """What the ids of the calls that the worker makes derive from."""

    def get_dependency(self, worker_ctx):
        return worker_ctx.repeat_key
