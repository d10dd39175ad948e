"""RPC as Nameko's, on one connection a container: calls end in time, and may be repeated without a second effect.

Drop-in for `nameko.rpc`, and compatible on the wire with services and callers that use that.
"""

from chassis.rpc.client import MethodProxy, RpcProxy, RpcReply, ServiceProxy
from chassis.rpc.deadline import deadline
from chassis.rpc.server import Rpc, rpc

__all__ = ["MethodProxy", "Rpc", "RpcProxy", "RpcReply", "ServiceProxy", "deadline", "rpc"]
