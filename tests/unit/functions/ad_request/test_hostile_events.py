"""No request makes the parser fail: it answers with a typed request, or with what to mend."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctv_ads.domain.ad_request import AdRequest
from ctv_ads.errors import InvalidRequestError
from functions.ad_request.macros import MACROS, UNUSED_MACROS
from functions.ad_request.parameters import MAX_BODY_BYTES, MAX_IGNORED, MAX_PARAMETERS
from functions.ad_request.query import ad_request_of, asked_by
from functions.ad_request.values import NAMES
from tests.functions.recorded import Event, api_event
from tests.unit.functions.ad_request.test_callers import CLOUDFRONT, a_door

NAME = st.one_of(
    st.sampled_from(sorted(NAMES | set(MACROS) | UNUSED_MACROS)),
    st.text(max_size=20).map(lambda key: f"kv.{key}"),
    st.text(st.characters(exclude_categories=[]), max_size=30),
)
VALUE = st.one_of(
    st.text(st.characters(exclude_categories=[]), max_size=60),
    st.sampled_from(
        [
            "1",
            "-1",
            "[IFA]",
            "300000",
            "1e999",
            "nan",
            "::1",
            "DBABLA~BAAqAAAAAgA.QA",
            "%",
            "${",
            "US",
        ]
    ),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | VALUE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(VALUE, inner, max_size=4),
    max_leaves=8,
)
HEADERS = st.dictionaries(
    st.sampled_from(["user-agent", "x-forwarded-for", "x-device-ip", "x-device-user-agent",
                     "x-cloudfront-proof", *CLOUDFRONT]),
    VALUE,
)  # fmt: skip
BODY = st.one_of(
    st.none(),
    st.text(max_size=80),
    st.dictionaries(NAME, JSON, max_size=6).map(json.dumps),
    st.dictionaries(NAME, JSON, max_size=6).map(
        lambda fields: json.dumps({"placement": "demo", **fields})
    ),
    st.binary(max_size=60).map(lambda raw: base64.b64encode(raw).decode()),
)


def an_event(query: dict[str, str], headers: dict[str, str], body: str | None) -> Event:
    event = api_event("POST", "/api/v1/vast", headers=headers)
    event["queryStringParameters"] = query
    event["rawQueryString"] = urlencode(query, errors="replace")
    return event | ({} if body is None else {"body": body})


def outcome_of(event: Event, *, trusted: bool) -> AdRequest | InvalidRequestError:
    try:
        asked = asked_by(event)
    except InvalidRequestError as error:
        return error
    return ad_request_of(asked, trusted=trusted, scope="o", door=a_door())


@settings(deadline=None)  # the first user agent of a phone loads its library
@given(
    query=st.dictionaries(NAME, VALUE, max_size=12),
    headers=HEADERS,
    body=BODY,
    is_base64=st.booleans(),
    trusted=st.booleans(),
)
def test_any_request_is_read_or_refused(
    query: dict[str, str],
    headers: dict[str, str],
    body: str | None,
    *,
    is_base64: bool,
    trusted: bool,
) -> None:
    event = an_event(query, headers, body) | {"isBase64Encoded": is_base64}
    outcome = outcome_of(event, trusted=trusted)
    if isinstance(outcome, AdRequest):
        assert outcome.placement.strip()
        assert len(outcome.ignored) <= MAX_IGNORED + len(NAMES)
        # Records hold it as JSON: nothing in it may be unwritable.
        written = (outcome.viewer, outcome.content, outcome.ad_break, outcome.ignored)
        mappings = (dict(outcome.key_values), dict(outcome.privacy.signals))
        assert orjson.dumps([*written, *mappings, outcome.privacy.refusals, outcome.placement])


@settings(deadline=None)  # the first user agent of a phone loads its library
@given(raw=st.text(max_size=120), query=st.dictionaries(NAME, VALUE, max_size=2))
def test_any_address_is_read_or_refused(raw: str, query: dict[str, str]) -> None:
    event = an_event(query, {}, None) | {"rawQueryString": raw}
    outcome_of(event, trusted=True)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"queryStringParameters": None, "headers": None},
        {"requestContext": {}},
        {"body": 5},
        {"body": ["placement"]},
        {"isBase64Encoded": True, "body": "%%%"},
        {"isBase64Encoded": True, "body": "gA=="},
        {"isBase64Encoded": True, "body": "ü"},
        {"body": "[" * 5000},
        {"body": '{"placement":' * 2000},
        {"body": '{"placement": 5}'},
        {"body": '{"placement": ["demo"]}'},
        {"body": '{"placement": null}'},
        {"body": '{"placement": "  "}'},
        {"body": '{"placement": "a\\u0000b"}'},
        {"body": "placement="},
        {"body": "x" * (MAX_BODY_BYTES + 1)},
        {"queryStringParameters": {"placement": "[PLACEMENT]"}},
        {"queryStringParameters": {"placement": "x" * 201}},
        {"queryStringParameters": {"placement": "\ud800"}},
    ],
    ids=lambda event: repr(event)[:56],
)
def test_who_names_no_placement_is_told_so(event: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError):
        asked_by(event)


def test_what_says_nothing_of_the_connection_is_served() -> None:
    outcome = outcome_of({"queryStringParameters": {"placement": "demo"}}, trusted=False)
    assert isinstance(outcome, AdRequest)
    assert outcome.viewer.household_key is None


def test_only_so_many_parameters_are_read() -> None:
    query = {f"kv.k{number}": "1" for number in range(MAX_PARAMETERS)} | {"max_ads": "3"}
    outcome = outcome_of(an_event({"placement": "demo", **query}, {}, None), trusted=False)
    assert isinstance(outcome, AdRequest)
    assert outcome.ad_break.max_ads is None
    assert len(outcome.ignored) == MAX_IGNORED


def test_a_user_agent_of_any_length_is_looked_at_only_so_far() -> None:
    headers = {"user-agent": "x" * 60_000 + " Roku/1"}
    outcome = outcome_of(an_event({"placement": "demo"}, headers, None), trusted=False)
    assert isinstance(outcome, AdRequest)
    assert outcome.viewer.device_type is None
