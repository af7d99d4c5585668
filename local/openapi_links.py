"""OpenAPI links: from what makes or lists a thing to everything that names it by its id.

Clients see by them which answer feeds which request, and stateful tests follow them.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_FIRST = "/items/0/id"
_SOURCES: Mapping[str, Mapping[str, str]] = {
    "campaign_id": {
        "POST /api/v1/campaigns": "/id",
        "POST /api/v1/campaigns/{campaign_id}/duplicate": "/id",
        "GET /api/v1/campaigns": _FIRST,
    },
    "line_item_id": {
        "POST /api/v1/campaigns/{campaign_id}/line-items": "/id",
        "GET /api/v1/campaigns/{campaign_id}/line-items": _FIRST,
    },
    "creative_id": {
        "POST /api/v1/campaigns/{campaign_id}/creatives": "/creative/id",
        "POST /api/v1/creatives/{creative_id}/replacement": "/creative/id",
        "POST /api/v1/creatives/{creative_id}/renditions": "/creative/id",
        "GET /api/v1/campaigns/{campaign_id}/creatives": _FIRST,
    },
    "advertiser_id": {"POST /api/v1/advertisers": "/id", "GET /api/v1/advertisers": _FIRST},
    "placement_id": {"POST /api/v1/placements": "/id", "GET /api/v1/placements": _FIRST},
    "user_id": {"GET /api/v1/members": _FIRST},
    "invitation_id": {"POST /api/v1/invitations": "/id", "GET /api/v1/invitations": _FIRST},
    "decision_id": {"POST /api/v1/ad-request": "/decision_id"},
    "api_key_id": {"POST /api/v1/api-keys": "/api_key/id", "GET /api/v1/api-keys": _FIRST},
}
"""By path parameter: the operations whose answer tells such an id, and where in it."""


def add_links(document: dict[str, Any]) -> None:
    """Write into each answer that tells an id the operations that take it.

    Raises:
        KeyError: a signed-in operation takes an id that no answer is known to tell.
    """
    for parameter, target in _takers(document):
        name = re.sub(r"[^a-z0-9]+", "-", target["summary"].lower()).strip("-")
        if parameter not in _SOURCES:
            raise KeyError(f"say in _SOURCES which answers tell a {parameter}")
        for source, pointer in _SOURCES[parameter].items():
            _answer(document, source).setdefault("links", {})[name] = {
                "operationId": target["operationId"],
                "parameters": {parameter: f"$response.body#{pointer}"},
            }


def _takers(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return the signed-in operations that name one thing, with the parameter that names it."""
    for path, operations in document["paths"].items():
        for parameter in re.findall(r"\{(\w+)\}", path):
            for operation in operations.values():
                if operation.get("security"):
                    yield parameter, operation


def _answer(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the answer of success of an operation named as in `GET /health`."""
    method, _, path = key.partition(" ")
    responses = document["paths"][path][method.lower()]["responses"]
    found: dict[str, Any] = responses[min(responses)]
    return found
