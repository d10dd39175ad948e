"""Smoke calls: what an instance must answer before it takes anybody's requests (`chassis.prove`).

They only read, of the services that it calls too: those are in use, so they are called as everybody calls them.
"""


def smoke(instance):
    """Ask for its description, for an airport and for a greeting."""
    document = _json(instance, "/openapi.json")
    version = document.get("openapi")
    assert str(version).startswith("3."), f"expected an OpenAPI 3 document, found openapi: {version!r}"
    page = _json(instance, "/airports?limit=1")
    assert set(page) == {"airports", "next"}, f"expected airports and next, found {page!r}"
    greeting = _get(instance, "/hello/fleet").body
    # How it greets is the greeting service's affair.
    assert b"fleet" in greeting, f"expected a greeting of 'fleet', found {greeting!r}"


def _get(instance, path):
    answer = instance.http("GET", path)
    assert answer.status == 200, f"expected status 200, found {answer.status}: {answer.body[:200]!r}"
    return answer


def _json(instance, path):
    found = _get(instance, path).json
    assert isinstance(found, dict), f"expected a JSON object, found {found!r}"
    return found
