"""The description of the API, OpenAPI 3.1: from the records of `console.live.model`."""

from typing import Any

from pydantic.json_schema import models_json_schema

from console.live.model import PastSession, Problem, Record, Samples, Sessions, State

LEAST_POINTS, MOST_POINTS, POINTS = 2, 4000, 1000
LARGEST_TIME_MS = 253_402_300_799_000
"""The end of the year 9999."""
TEXT = (
    "Read-only: GET alone. On a loopback address it is open to this machine; on any other a request needs the token "
    "that the director printed, as `?token=...`, as a cookie that the page sets, or as `Authorization: Bearer ...`."
)


def openapi(version: str) -> dict[str, Any]:
    """Get the whole description."""
    records: list[type[Record]] = [State, Samples, Sessions, PastSession, Problem]
    _, schemas = models_json_schema(
        [(record, "serialization") for record in records], ref_template="#/components/schemas/{model}"
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "wattrig director", "version": version, "description": TEXT},
        "paths": {path: {"get": operation} for path, operation in _paths().items()},
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "query": {"type": "apiKey", "in": "query", "name": "token"},
            },
        },
        "security": [{}, {"token": []}, {"query": []}],
    }


def _paths() -> dict[str, dict[str, Any]]:
    missing = _answer("Problem", "there is no session of that name")
    return {
        "/api/v1/state": {
            "summary": "All that is known now: analyzers, phase, clock, client, warnings.",
            "responses": {"200": _answer("State", "the state")},
        },
        "/api/v1/samples": {
            "summary": "Power over time of the session that is open, or was open last.",
            "description": "Reduced to lowest, mean and highest power of each column; a short span is told whole, "
            "one that ends before it begins is empty.",
            "parameters": [
                _time("from", "UTC milliseconds; without it from the first sample"),
                _time("to", "UTC milliseconds; without it to the last sample"),
                {
                    "name": "points", "in": "query", "description": "most columns",
                    "schema": {
                        "type": "integer", "minimum": LEAST_POINTS, "maximum": MOST_POINTS, "default": POINTS,
                    },
                },
            ],
            "responses": {
                "200": _answer("Samples", "the columns"), "400": _answer("Problem", "a parameter cannot be"),
            },
        },
        "/api/v1/sessions": {
            "summary": "The sessions kept, with their verdicts.",
            "responses": {"200": _answer("Sessions", "the newest 100")},
        },
        "/api/v1/sessions/{id}": {
            "summary": "One session.",
            "parameters": [_id()],
            "responses": {"200": _answer("PastSession", "the session"), "404": missing},
        },
        "/api/v1/sessions/{id}/report": {
            "summary": "The report of a session, as `wattrig report` writes it.",
            "parameters": [_id()],
            "responses": {
                "200": {"description": "the page", "content": {"text/html": {"schema": {"type": "string"}}}},
                "404": missing,
                "503": _answer("Problem", "none can be written now, as while a session is measured"),
            },
        },
        "/api/v1/events": {
            "summary": "Server-sent events: `hello` and `update` with {state, samples}, and `bye`.",
            "description": "`samples` are [analyzer, t_utc_ms, power_w or null, bad]; analyzer 0 is the sum. With "
            "the header Last-Event-ID a watcher that was away for a minute misses nothing.",
            "responses": {
                "200": {
                    "description": "the stream", "content": {"text/event-stream": {"schema": {"type": "string"}}},
                },
                "503": _answer("Problem", "too many watch already"),
            },
        },
        "/metrics": {
            "summary": "Metrics for Prometheus.",
            "responses": {
                "200": {"description": "text format 0.0.4", "content": {"text/plain": {"schema": {"type": "string"}}}}
            },
        },
        "/openapi.json": {
            "summary": "This description.",
            "responses": {
                "200": {"description": "OpenAPI 3.1", "content": {"application/json": {"schema": {"type": "object"}}}}
            },
        },
    }  # fmt: skip


def _answer(record: str, text: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{record}"}
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _time(name: str, text: str) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 0, "maximum": LARGEST_TIME_MS}
    return {"name": name, "in": "query", "description": text, "schema": schema}


def _id() -> dict[str, Any]:
    return {"name": "id", "in": "path", "required": True, "description": "its name", "schema": {"type": "string"}}
