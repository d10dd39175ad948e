"""The gateway that calls the airports service by gRPC, with no broker between."""

import os
from contextlib import asynccontextmanager

import grpc
from google.protobuf.wrappers_pb2 import StringValue
from web import SECONDS, make_app


class Airports:
    def __init__(self, channel):
        def method(name):
            return channel.unary_unary(
                f"/airports/{name}",
                request_serializer=StringValue.SerializeToString,
                response_deserializer=StringValue.FromString,
            )

        self._get, self._create = method("get"), method("create")

    async def get(self, airport_id):
        return (await self._get(StringValue(value=airport_id), timeout=SECONDS)).value

    async def create(self, airport):
        return (await self._create(StringValue(value=airport), timeout=SECONDS)).value


@asynccontextmanager
async def connect():
    async with grpc.aio.insecure_channel(os.environ["GRPC_ADDRESS"]) as channel:
        yield Airports(channel)


app = make_app(connect)
