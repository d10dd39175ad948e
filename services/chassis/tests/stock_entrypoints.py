"""A service with Nameko's own entrypoints and proxy, for a process of `nameko run`."""

import os
from pathlib import Path

from chassis.http import http
from kombu import Queue
from nameko.events import event_handler
from nameko.messaging import consume
from nameko.rpc import RpcProxy, rpc
from nameko.timer import timer


class StockService:
    """Leaves a line in the file that the environment's MARKS names for whatever it does."""

    name = "stock_service"
    echoing = RpcProxy("echoing_service")

    @rpc
    def do(self, number):
        return _mark(f"rpc {number}")

    @event_handler("source_service", "happened")
    def handle(self, number):
        _mark(f"event {number}")

    @consume(Queue("messages"))
    def take(self, number):
        _mark(f"message {number}")

    @timer(interval=0.1)
    def tick(self):
        _mark("tick")

    @timer(interval=3600, eager=True)
    def tick_at_once(self):
        _mark("eager tick")

    @http("GET", "/call/<number>")
    def call(self, _request, number):
        return self.echoing.echo(number)


def _mark(text):
    with Path(os.environ["MARKS"]).open("a") as file:
        file.write(f"{text}\n")
    return text
