"""Records and answers of a fleet with three core hosts, for the tests of what is made of them."""

from fleet.record.document import empty

CORE = ["core1", "core2", "core3"]
NOON = 1795694400  # 2026-11-26 12:00 UTC


def entry(release, **changed):
    return {"release": release, "instances": 2, "port": 8100, "settings": {}, **changed}


def side(release, **changed):
    """A service as it is before or after a roll."""
    return {"entry": entry(release, **changed), "revision": f"revision{release}"}


def record(version=1, **parts):
    return {**empty(), "version": version, **parts}


def roll(**services):
    """A roll that moves each service from one side to another."""
    moves = {name: {"from": old, "to": new} for name, (old, new) in services.items()}
    return {"id": "r1", "who": "ops@desk", "what": "make deploy", "began": NOON, "services": moves}


def answer(record=None, lock=None, *, broken=None, done=True, public=...):
    """What the module says on one host; app hosts are told of the same record unless `public` says otherwise."""
    if public is ...:
        public = record and {"version": record["version"], "services": {}}
    sentences = broken or {}
    return {
        "record": record,
        "public": public,
        "lock": lock,
        "done": done,
        "broken": " ".join(sentences.values()),
        "broken_parts": list(sentences),
    }
