"""The OpenAPI document tells the truth, and the page shows all of it."""

import re
import subprocess
import sys
from html.parser import HTMLParser

from gateway.service import GatewayService

METHODS = ("get", "post", "delete")


def test_each_route_is_in_the_document_and_nothing_else(api):
    served = {
        (re.sub(r"<(?:text:)?(?:\w+_)?(\w+)>", r"{\1}", entrypoint.url), entrypoint.method.lower())
        for method in vars(GatewayService).values()
        for entrypoint in getattr(method, "nameko_entrypoints", ())
    }
    paths = api.request("GET", "/openapi.json").json["paths"]
    told = {(path, method) for path, methods in paths.items() for method in methods}
    assert told == served | {("/health", "get"), ("/ready", "get")}


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.targets, self.anchors = [], set()

    def handle_starttag(self, _tag, attributes):
        given = dict(attributes)
        self.anchors.add(given.get("id"))
        self.targets += [given[name] for name in ("src", "href", "srcset", "action") if name in given]


def test_the_page_shows_every_route_and_loads_nothing(api):
    answer = api.request("GET", "/docs")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    page = answer.body.decode()
    assert "url(" not in page
    assert "@import" not in page
    links = Links()
    links.feed(page)
    inside = [target[1:] for target in links.targets if target.startswith("#")]
    assert set(inside) <= links.anchors
    assert [target for target in links.targets if not target.startswith("#")] == ["openapi.json"]
    paths = api.request("GET", "/openapi.json").json["paths"]
    assert len(inside) == sum(len(methods) for methods in paths.values())
    for code in ("idempotency_key_reused", "in_progress", "overloaded", "not_enough_replicas", "timeout"):
        assert code in page


def test_whatever_is_sent_the_answer_is_one_that_the_document_tells_of(api, tmp_path):
    command = [sys.executable, "-W", "ignore", "-m", "schemathesis.cli", "run", "--no-color", "--seed", "1"]
    options = ["--max-examples", "15", "--generation-database", "none"]
    # A cursor of no page, airports that don't exist, a key used before: fit for the schema, refused all the same.
    options += ["--exclude-checks", "positive_data_acceptance"]
    url = f"http://127.0.0.1:{api.port}/openapi.json"
    run = subprocess.run(
        [*command, *options, url], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
