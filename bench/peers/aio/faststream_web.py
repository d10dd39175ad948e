"""What FastStream's gateways share: everything but how a call is made."""

from contextlib import asynccontextmanager

from web import make_app


class _Airports:
    def __init__(self, call):
        self._call = call

    async def get(self, airport_id):
        return await self._call("airports.get", airport_id)

    async def create(self, airport):
        return await self._call("airports.create", airport)


def make_gateway(broker, call):
    """The application; `await call(queue, argument)` is what the service answers."""

    @asynccontextmanager
    async def connect():
        await broker.start()
        try:
            yield _Airports(call)
        finally:
            await broker.stop()

    return make_app(connect)
