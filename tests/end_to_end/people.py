"""Those who use the product: people who book campaigns, and players that show ads."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx

from tests.end_to_end.product import eventually
from tests.end_to_end.videos import Video

Document = dict[str, Any]

CPM_MICROS = 5_000_000
PRICE_MICROS = CPM_MICROS // 1000
CLICK_THROUGH_URL = "https://advertiser.example/offer?a=1&b=2"
_VERDICT_WITHIN_S = 20.0


def sign_in(base_url: str, email: str, password: str) -> httpx.Response:
    """Ask for an access token."""
    credentials = {"email": email, "password": password}
    return httpx.post(f"{base_url}/api/v1/auth/login", json=credentials, timeout=30)


class Person:
    """Somebody signed in, speaking to the API."""

    def __init__(self, base_url: str, email: str, password: str) -> None:
        answer = sign_in(base_url, email, password)
        assert answer.status_code == 200, answer.text
        token = answer.json()["access_token"]
        self.api = httpx.Client(
            base_url=f"{base_url}/api/v1", headers={"authorization": f"Bearer {token}"}, timeout=30
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.api.close()

    def get(self, path: str, **parameters: str) -> Document:
        """Read something that is there."""
        return _checked(self.api.get(path, params=parameters), 200)

    def create_campaign(self, **changes: Any) -> Document:
        """Make a draft campaign, valid unless a change makes it otherwise."""
        return _checked(self.api.post("/campaigns", json=a_campaign(**changes)), 201)

    def set_status(self, campaign: Document, status: str) -> Document:
        """Start, pause, complete or archive a campaign."""
        path = f"/campaigns/{campaign['id']}/status"
        return _checked(self.api.put(path, json={"status": status}), 200)

    def register(self, campaign: Document, video: Video, **changes: Any) -> Document:
        """Announce a file; returns the creative and the form to upload it by."""
        path = f"/campaigns/{campaign['id']}/creatives"
        return _checked(self.api.post(path, json=a_creative(video, **changes)), 201)

    def verdict(self, creative: Document) -> Document:
        """Return the creative once its file has been judged."""

        def judged() -> Document | None:
            now = self.get(f"/creatives/{creative['id']}")
            return now if now["status"] in {"ready", "rejected"} else None

        seen = eventually(judged, within_s=_VERDICT_WITHIN_S, what="the creative is judged")
        return seen.value

    def upload(self, campaign: Document, video: Video) -> Document:
        """Register a file, send it straight to S3, and return the judged creative."""
        registered = self.register(campaign, video)
        answer = post_to_s3(registered["upload"], video)
        assert answer.status_code in {200, 201, 204}, answer.text
        return self.verdict(registered["creative"])

    def run_campaign(self, video: Video, **changes: Any) -> Document:
        """Create a campaign, upload its video and start it."""
        campaign = self.create_campaign(**changes)
        creative = self.upload(campaign, video)
        assert creative["status"] == "ready", creative
        return self.set_status(campaign, "active")

    def statistics(self, campaign: Document) -> Document:
        """Read a campaign's delivery and spend."""
        return self.get(f"/campaigns/{campaign['id']}/stats")


def a_campaign(**changes: Any) -> Document:
    """Return a valid request for a campaign that runs now."""
    now = datetime.now(UTC)
    return {
        "name": "Spring launch",
        "budget_micros": 1_000_000_000,
        "cpm_micros": CPM_MICROS,
        "starts_at": (now - timedelta(hours=1)).isoformat(),
        "ends_at": (now + timedelta(days=7)).isoformat(),
        "pacing": "asap",
        **changes,
    }


def a_creative(video: Video, **changes: Any) -> Document:
    """Return a valid announcement of a file."""
    return {
        "name": "Launch spot",
        "filename": video.filename,
        "content_type": video.content_type,
        "size_bytes": len(video.content),
        "click_through_url": CLICK_THROUGH_URL,
        **changes,
    }


def post_to_s3(
    upload: Document, video: Video, *, fields: Mapping[str, str] | None = None
) -> httpx.Response:
    """Send a file by its form, as a browser does."""
    form = {**upload["fields"], **(fields or {})}
    files = {"file": (video.filename, video.content, video.content_type)}
    return httpx.post(upload["url"], data=form, files=files, timeout=30)


TELEVISION = {"user-agent": "Roku/DVP-14.5 (14.5.4.5934)"}
"""Tools are listed as crawlers: their beacons do not count."""


class Player:
    """A device that asks for ads and fires beacons; it knows no password."""

    def __init__(self, base_url: str, placement: str) -> None:
        self.placement = placement
        self.http = httpx.Client(base_url=base_url, timeout=30, headers=TELEVISION)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.close()

    def vast(self) -> httpx.Response:
        """Ask for an ad as VAST."""
        answer = self.http.get("/api/v1/vast", params=self._wish())
        assert answer.status_code == 200, f"an ad request never fails: {answer.text}"
        return answer

    def decision(self) -> Document:
        """Ask for an ad as JSON."""
        answer = self.http.post("/api/v1/ad-request", json=self._wish())
        return _checked(answer, 200)

    def _wish(self) -> dict[str, str]:
        # Each break is another viewer's: nobody could see so many ads at once.
        return {"placement": self.placement, "session_id": str(uuid4())}

    def ad(self) -> Document:
        """Ask for an ad until there is one, and return it."""
        ads = eventually(lambda: self.decision()["ads"], within_s=5, what="an ad").value
        return dict(ads[0])

    def ads(self, count: int) -> list[Document]:
        """Ask that many times; each answer has an ad."""
        return [self.ad() for _ in range(count)]

    def fire(self, urls: Iterable[str]) -> None:
        """Call beacon addresses; each is answered 204."""
        for url in urls:
            answer = self.http.get(url)
            assert answer.status_code == 204, f"{url}: {answer.status_code} {answer.text}"

    def show(self, ads: Iterable[Document]) -> None:
        """Fire the impression of each ad."""
        self.fire(ad["tracking"]["impression"] for ad in ads)


def _checked(answer: httpx.Response, status: int) -> Document:
    request = answer.request
    assert answer.status_code == status, (
        f"{request.method} {request.url}: {answer.status_code} {answer.text}"
    )
    document: Document = answer.json()
    return document


def fired(url: str) -> int:
    """Call a beacon address from a television of its own; return the status."""
    return httpx.get(url, timeout=30, headers=TELEVISION).status_code
