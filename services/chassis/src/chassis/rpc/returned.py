"""When to send what came back once more: no queue was bound for it, and one may be a moment later.

Each node of a RabbitMQ cluster routes by a copy of the bindings of its own, and has the news of a new one a little
after the client has that made it through another node. A quick reply comes back then, as does one to a caller that is
just connecting anew (docs/notes.md).
"""

REQUEST_PAUSES = (0.05, 0.1, 0.2)  # seconds before each other try; after that there is no such service
REPLY_PAUSES = (*REQUEST_PAUSES, 0.4, 0.8, 1.6)  # seconds; after that its caller is gone
HELD_MAX = 16 * 2**20  # bytes that such replies hold together, with their requests: many callers may be gone
