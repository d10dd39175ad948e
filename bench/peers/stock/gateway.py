"""Stock Nameko's gateway: the tutorial's."""

import json

from nameko.rpc import RpcProxy
from nameko.web.handlers import http


class GatewayService:
    name = "gateway"

    airports_rpc = RpcProxy("airports_service")

    @http("GET", "/airport/<string:airport_id>")
    def get_airport(self, _request, airport_id):
        airport = self.airports_rpc.get(airport_id)
        return json.dumps({"airport": airport})

    @http("POST", "/airport")
    def post_airport(self, request):
        data = json.loads(request.get_data(as_text=True))
        return self.airports_rpc.create(data["airport"])
