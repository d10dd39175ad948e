"""Records and catalogues that the tests of rolls begin with."""

from fleet.record.document import empty


def entry(release="1.0.0", **different):
    """A complete entry of the catalogue."""
    return {"release": release, "instances": 2, "workers": 10, "port": 8120, "call_timeout": 10, **different}


def half(release="1.0.0", revision=None, digest="", **different):
    """A service as a roll leaves or finds it."""
    known = {"secrets_digest": digest} if digest else {}
    return {"entry": entry(release, **different), "revision": revision or f"of-{release}", **known}


def record(**services):
    """A record of services that run, each given as by `half`."""
    return {**empty(), "version": 7, "services": {name: {**one, "since": 1} for name, one in services.items()}}


def under_way(known, phase="rolling", **changes):
    """The record with an unfinished roll, each change a pair of `from` and `to`."""
    services = {name: {"from": one[0], "to": one[1]} for name, one in changes.items()}
    roll = {"id": "R1", "who": "ops@desk", "what": "greeting 1.0.0 -> 2.0.0", "began": 5, "services": services}
    return {**known, "roll": {**roll, "phase": phase, "reason": "", "allow_incompatible": []}}
