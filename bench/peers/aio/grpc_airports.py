"""The airports service over gRPC."""

import os

import grpc
import uvloop
from google.protobuf.wrappers_pb2 import StringValue
from store import Store


def handler(method):
    async def answer(request, _context):
        return StringValue(value=await method(request.value) or "")

    return grpc.unary_unary_rpc_method_handler(
        answer, request_deserializer=StringValue.FromString, response_serializer=StringValue.SerializeToString
    )


async def main():
    store = Store()
    server = grpc.aio.server()
    methods = {"get": handler(store.get), "create": handler(store.create)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("airports", methods),))
    server.add_insecure_port(os.environ["GRPC_ADDRESS"])
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(main())
