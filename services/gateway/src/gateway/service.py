"""The HTTP API: each request becomes one call to the service that owns the data."""

from chassis.checks import LIMIT
from chassis.http import http, query_int, text_fields
from chassis.rpc import RpcProxy
from werkzeug.wrappers import Response

from gateway.openapi import DOCUMENT
from gateway.page import rendered

PAGE = rendered(DOCUMENT)
PAGE_POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


class GatewayService:
    """Airports, trips and greetings over HTTP."""

    name = "gateway_service"

    airports = RpcProxy("airports_service")
    greeting = RpcProxy("greeting_service")
    trips = RpcProxy("trips_service")

    @http("GET", "/hello/<text:name>")
    def hello(self, _request, name):
        return self.greeting.hello(name)

    @http("POST", "/airport", idempotent=True)
    def create_airport(self, request):
        (airport,) = text_fields(request, "airport")
        return self.airports.create(airport)

    @http("GET", "/airport/<airport_id>")
    def get_airport(self, _request, airport_id):
        return {"airport": self.airports.get(airport_id)}

    @http("DELETE", "/airport/<airport_id>", idempotent=True)
    def delete_airport(self, _request, airport_id):
        self.airports.delete(airport_id)

    @http("GET", "/airports")
    def list_airports(self, request):
        return self.airports.list(*_page(request))

    @http("POST", "/trip", idempotent=True)
    def create_trip(self, request):
        return self.trips.create(*text_fields(request, "airport_from", "airport_to"))

    @http("GET", "/trip/<trip_id>")
    def get_trip(self, _request, trip_id):
        return {"trip": self.trips.get(trip_id)}

    @http("DELETE", "/trip/<trip_id>", idempotent=True)
    def delete_trip(self, _request, trip_id):
        self.trips.delete(trip_id)

    @http("GET", "/trips")
    def list_trips(self, request):
        return self.trips.list(*_page(request))

    @http("GET", "/openapi.json")
    def openapi(self, _request):
        return DOCUMENT

    @http("GET", "/docs")
    def docs(self, _request):
        return Response(PAGE, content_type="text/html; charset=utf-8", headers=PAGE_POLICY)


def _page(request):
    return query_int(request, "limit", LIMIT), request.args.get("cursor")
