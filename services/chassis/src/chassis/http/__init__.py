"""HTTP for services: the `http` entrypoint, and answers that are JSON, also where a service is never asked."""

from chassis.http.entrypoint import http
from chassis.http.request import query_int, text_fields

__all__ = ["http", "query_int", "text_fields"]
