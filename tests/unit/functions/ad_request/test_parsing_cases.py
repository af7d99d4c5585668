"""What requests become: a table of requests, each with the fields that it changes.

A case asks something beyond its placement. `becomes` holds every field of the `AdRequest` that
then differs from a request for the placement alone (`*`: a key that is not known before), and
`ignored` everything that was left aside, with its reason.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from ctv_ads.domain.ad_request import AdRequest
from ctv_ads.web.door import Door
from functions.ad_request.query import ad_request_of, asked_by
from tests.functions.recorded import api_event

CASES = Path(__file__).parents[3] / "cases" / "ad_request_parsing"
DOOR = Door(key=b"k" * 32, trusted_proxies=(ip_network("10.0.0.0/8"),))


def cases() -> Iterator[Any]:
    for path in sorted(CASES.glob("*.json")):
        for number, case in enumerate(json.loads(path.read_text()), start=2):
            yield pytest.param(case, id=f"{path.stem}, line {number}")


def request_of(case: Mapping[str, Any]) -> AdRequest:
    query = f"?placement=demo&{case['ask']}" if case["ask"] else "?placement=demo"
    event = api_event(
        case.get("method", "GET"),
        f"/api/v1/vast{query}",
        body=case.get("body"),
        headers={"user-agent": "", "x-forwarded-for": "", **case.get("headers", {})},
        is_base64=case.get("base64", False),
    )
    event["requestContext"]["http"]["sourceIp"] = case.get("source_ip", "")
    trusted = case.get("trusted", False)
    return ad_request_of(asked_by(event), trusted=trusted, scope="o", door=DOOR)


def fields_of(value: Any, path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        inner = getattr(value, field.name)
        if dataclasses.is_dataclass(inner):
            found |= fields_of(inner, f"{path}{field.name}.")
        else:
            found[path + field.name] = plain(inner)
    return found


def plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, tuple):
        return [plain(inner) for inner in value]
    return value


BARE = fields_of(request_of({"ask": ""}))


@pytest.mark.parametrize("case", list(cases()))
def test_a_request_becomes_what_its_case_says_and_nothing_else(case: dict[str, Any]) -> None:
    request = request_of(case)
    became = {name: value for name, value in fields_of(request).items() if value != BARE[name]}
    became.pop("ignored", None)
    wanted = case["becomes"]
    for name in (name for name, value in wanted.items() if value == "*"):
        assert became[name]
        became[name] = "*"
    assert became == wanted
    assert {each.name: each.reason for each in request.ignored} == case.get("ignored", {})


def test_a_bare_request_asks_for_one_ad_of_anybody() -> None:
    request = request_of({"ask": ""})
    assert request == AdRequest(placement="demo", privacy=request.privacy)
    assert request.privacy.may_use_device_id
    assert request.privacy.refusals == ()
