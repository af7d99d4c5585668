"""`make replay`: a decision of the running product explained and made again from the shell."""

import json

import httpx
import pytest

from ctv_ads.adapters.ids import new_id
from local import replay
from local.seed import PLACEMENT
from tests.end_to_end.product import Product

pytestmark = pytest.mark.xdist_group("end_to_end")


@pytest.fixture(autouse=True)
def _port(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", product.base_url.rpartition(":")[2])


def test_explanation_and_answer_are_printed(
    product: Product, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = httpx.get(
        f"{product.base_url}/api/v1/vast?placement={PLACEMENT}&duration_ms=60000&max_ads=2"
    )
    decision_id = answer.headers["x-decision-id"]
    assert replay.main([decision_id]) == 0
    printed = capsys.readouterr().out
    explained, end = json.JSONDecoder().raw_decode(printed)
    assert explained["decision_id"] == decision_id
    assert explained["pod"]
    assert printed[end:].strip() == answer.text.strip()


def test_a_decision_that_is_not_there_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.main([new_id()]) == 2
    assert "404" in capsys.readouterr().err


def test_without_a_running_copy_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "1024")
    assert replay.main([new_id()]) == 2
    assert "nothing answers on port 1024" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("told", "status", "said"),
    [
        ({"same_candidates": False, "same_picks": True}, 1, "other candidates"),
        ({"same_candidates": True, "same_picks": False}, 1, "picks otherwise"),
        (
            {"same_candidates": True, "same_picks": None, "untold": ["l1"]},
            3,
            "more than is recorded",
        ),
    ],
)
def test_what_differs_fails(
    told: dict[str, object], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = {
        "/api/v1/auth/login": {"access_token": "t"},
        "/api/v1/decisions/d": {},
        "/api/v1/decisions/d/replay": {"answer": "<VAST/>", "differences": [], **told},
    }
    transport = httpx.MockTransport(
        lambda request: httpx.Response(200, json=answers[request.url.path])
    )
    with httpx.Client(base_url="http://localhost", transport=transport) as client:
        assert replay.replay(client, "d") == status
    assert said in capsys.readouterr().err
