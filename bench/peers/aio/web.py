"""The gateway's HTTP side in FastAPI, over whatever reaches the airports service."""

from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel

SECONDS = 10  # that a call may take, as in the fleet


class NewAirport(BaseModel):
    airport: str


def make_app(connect):
    """The application; `connect` is an asynchronous context manager that gives an object with `get` and `create`."""
    airports = None

    @asynccontextmanager
    async def lifespan(_app):
        nonlocal airports
        async with connect() as airports:
            yield

    app = FastAPI(lifespan=lifespan)

    # FastAPI's documentation: a response returned as such is sent as it is, without a pass through its encoders.
    @app.get("/airport/{airport_id}")
    async def get_airport(airport_id: str):
        airport = await airports.get(airport_id)
        if not airport:
            raise HTTPException(404)
        return JSONResponse({"airport": airport})

    @app.post("/airport")
    async def post_airport(new: NewAirport):
        return PlainTextResponse(await airports.create(new.airport))

    return app
