"""The document says of every id where it comes from."""

import json
from typing import Any

import pytest

from local.openapi import TARGET
from local.openapi_links import add_links


@pytest.fixture
def document() -> Any:
    return json.loads(TARGET.read_text("utf-8"))


def operations(document: Any) -> dict[str, tuple[str, Any]]:
    return {
        operation["operationId"]: (path, operation)
        for path, methods in document["paths"].items()
        for operation in methods.values()
    }


def test_links_lead_to_operations_that_take_the_id(document: Any) -> None:
    known = operations(document)
    linked = set()
    for path, operation in known.values():
        for status, response in operation["responses"].items():
            for name, link in response.get("links", {}).items():
                target, _ = known[link["operationId"]]
                (parameter,) = link["parameters"]
                assert f"{{{parameter}}}" in target, f"{path} {status} {name}"
                assert status in {"200", "201"}
                linked.add(link["operationId"])
    takers = {
        name
        for name, (path, operation) in known.items()
        if "{" in path and operation.get("security")
    }
    assert linked == takers


def test_an_id_that_nothing_tells_is_an_error(document: Any) -> None:
    path = document["paths"].pop("/api/v1/placements/{placement_id}")
    document["paths"]["/api/v1/things/{thing_id}"] = path
    with pytest.raises(KeyError, match="thing_id"):
        add_links(document)
