"""Text that would not come through VAST as it is written is refused, and the field is named."""

from typing import Any

import pytest

from tests.functions.conftest import Office
from tests.functions.test_creative_changes import EVERYTHING, a_path, patched

UNREADABLE = {
    "a control character": "\x07",
    "a line feed": "\n",
    "a control character of C1": "\x85",
    "a line separator": "\u2028",
    "half a character": "\ud800",
    "a noncharacter": "\ufdd0",
    "a noncharacter of another plane": "\U0001ffff",
}
HTTPS = "https://t.example/?q="


def body_with(text: str) -> dict[str, Any]:
    return {
        "name": f"a{text}b",
        "click_through_url": f"{HTTPS}{text}",
        "universal_ad_id": {"registry": "ad-id.org", "value": f"A{text}B"},
        "trackers": [
            {"event": "start", "url": HTTPS},
            {"event": "impression", "url": f"{HTTPS}{text}"},
        ],
        "verifications": [
            {
                "vendor": f"v{text}w",
                "javascript_url": f"{HTTPS}{text}",
                "parameters": f"{{{text}}}",
            }
        ],
    }


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_every_text_of_a_creative_is_looked_at(office: Office, text: str) -> None:
    answer = patched(office, a_path(office), body_with(text))
    assert answer.status == 422
    assert {item["path"] for item in answer.json["errors"]} == {
        "name",
        "click_through_url",
        "universal_ad_id.value",
        "trackers.1.url",
        "verifications.0.vendor",
        "verifications.0.javascript_url",
        "verifications.0.parameters",
    }


@pytest.mark.parametrize("address", ["https://t.example/?q=50%", "https://t.example/#a#b"])
def test_addresses_that_are_none_are_refused(office: Office, address: str) -> None:
    for change in (
        {"click_through_url": address},
        {"trackers": [{"event": "start", "url": address}]},
    ):
        assert patched(office, a_path(office), change).status == 422


@pytest.mark.parametrize(
    "name", ["&<>\"'", "]]>", "\U0001f600", "\u202e\u05e9\u05dc", "\u0627\u0644", "e\u0301"]
)
def test_what_comes_through_is_taken_as_it_is(office: Office, name: str) -> None:
    answer = patched(office, a_path(office), EVERYTHING | {"name": name})
    assert (answer.status, answer.json["name"]) == (200, name)
