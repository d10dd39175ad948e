"""A service whose calls take as long as they are told to."""

import time
from typing import ClassVar

import eventlet
from chassis.rpc import rpc
from nameko.containers import WorkerContext
from nameko.extensions import DependencyProvider


class Worker(DependencyProvider):
    def get_dependency(self, worker_ctx: WorkerContext):
        return worker_ctx


class Slow:
    name = "slow_service"
    worker = Worker()
    done: ClassVar = []

    @rpc
    def wait(self, seconds):
        self.done.append(seconds)
        eventlet.sleep(seconds)
        return seconds

    @rpc
    def left(self):
        return self.worker.until - time.monotonic()
