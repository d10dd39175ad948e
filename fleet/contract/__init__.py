"""What a release promises its callers and needs of others, and whether two releases may serve side by side.

Old and new instances take calls from one queue during a roll, so a caller can't choose which of them answers. A
release's contract is therefore read from its source when it is built, and held against those that run before anything
starts. It is a JSON document:

    format         1
    service        the name that callers use, such as airports_service
    methods        by name: `parameters` (`name`, `kind`, `required`, and `schema` where it is declared),
                   `more_positional`, `more_keywords`, and `result`, a schema, where it is declared
    events         `handles`: each `service` and `event`, with the handler's `method`, its `handler_type` and whether
                   its queue is `reliable`, for these decide on the queue
    consumes       each `queue` of `@consume`, as it is written, and its `method`
    routes         each `method` and `path` of HTTP
    calls          by service and method: each way that it is called, as `positional` (how many), `keywords` (names),
                   `unpacked_positional` and `unpacked_keywords` (whether there are more that can't be counted)
    unknown_calls  by service: the methods in which it is used in a way that can't be followed
    notes          what else could not be read, in sentences
"""

from fleet.contract.breaks import Break
from fleet.contract.compare import compare
from fleet.contract.extract import as_text, extract
from fleet.contract.gating import gate

__all__ = ["Break", "as_text", "compare", "extract", "gate"]
