"""How a campaign's default line item is paced."""

import pytest

from tests.builders import DAY, NOON
from tests.functions.conftest import Office


@pytest.mark.parametrize("pacing", [None, "asap", "front_loaded"])
def test_its_default_line_item_is_paced_as_the_campaign_was_made(
    office: Office, pacing: str | None
) -> None:
    body = {
        "name": "Winter tyres",
        "budget_micros": 1_000_000,
        "cpm_micros": 20_000_000,
        "starts_at": NOON.isoformat(),
        "ends_at": (NOON + DAY).isoformat(),
        **({} if pacing is None else {"pacing": pacing}),
    }
    made = office.send("campaigns", "POST", "/api/v1/campaigns", body).json
    line_item_id = made["line_items"][0]["id"]
    line_item = office.send("campaigns", "GET", f"/api/v1/line-items/{line_item_id}").json
    assert line_item["pacing"] == (pacing or "even")
