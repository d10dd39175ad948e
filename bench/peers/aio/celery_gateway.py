"""Celery's gateway: a thread waits for each result, for Celery has nothing to await.

Each thread has a connection and a reply queue of its own, so threads must stay: an executor's do, where those that
FastAPI runs plain functions in end once they were idle for ten seconds.
"""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from celery_airports import create, get
from web import SECONDS, make_app


class Airports:
    def __init__(self, threads):
        self._threads = threads

    async def get(self, airport_id):
        return await self._call(get, airport_id)

    async def create(self, airport):
        return await self._call(create, airport)

    async def _call(self, task, argument):
        return await asyncio.get_running_loop().run_in_executor(self._threads, _wait, task, argument)


def _wait(task, argument):
    return task.delay(argument).get(timeout=SECONDS)


@asynccontextmanager
async def connect():
    with ThreadPoolExecutor(int(os.environ["WORKERS"])) as threads:
        yield Airports(threads)


app = make_app(connect)
