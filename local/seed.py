"""What a fresh machine starts with: one organization, three people, advertisers that advertise.

People, placement and advertisers have no API yet, so they are written to the database.
Campaigns and creatives take the way that users take: the API, the presigned upload and the
validation of the real file. Everything is looked for first, so seeding again changes nothing,
and a start that was interrupted goes on where it stopped.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx
import psycopg

from ctv_ads.adapters.passwords import hash_password
from local.processes import LocalError
from local.sample_media import SampleAd, make_sample_ads

ORGANIZATION = "Demo"
PLACEMENT = "demo"
PASSWORD = "password123"  # noqa: S105 - known to everybody, for this machine only
PEOPLE = (
    ("admin@adserver.dev", "Alex Admin", "owner"),
    ("advertiser@adserver.dev", "Toni Trafficker", "trafficker"),
    ("viewer@adserver.dev", "Vic Viewer", "viewer"),
)
BUDGET_MICROS = 10_000_000_000
CPM_MICROS_PER_SECOND = 1_000_000
"""All sample ads are worth the same for the time they take, so that they take turns."""
_FLIGHT = timedelta(days=365)
_VALIDATION_DEADLINE_S = 60.0


def seed(
    *, base_url: str, database_dsn: str, data_dir: Path, report: Callable[[str], None]
) -> None:
    """Make sure that everything seeded is there, and that every seeded campaign serves.

    Raises:
        LocalError: a sample ad was not accepted by our own validation.
    """
    ads = make_sample_ads(data_dir / "sample-ads")
    _write_people(database_dsn, ads)
    with httpx.Client(base_url=base_url, timeout=30) as client:
        _sign_in(client)
        existing = _campaigns_by_name(client)
        jobs = [_Job(client, ad, existing.get(ad.title)) for ad in ads]
        for job in jobs:
            job.create_and_upload()
        for job in jobs:
            job.activate()
    new = sum(job.is_new for job in jobs)
    report(f"{len(ads)} campaigns serve, {new} of them new")


def _id(name: str) -> UUID:
    """Return the same id on every machine, so that examples in the docs hold."""
    return uuid5(NAMESPACE_URL, f"https://adserver.dev/seed/{name}")


def _write_people(dsn: str, ads: Sequence[SampleAd]) -> None:
    organization = _id("organization")
    with psycopg.connect(dsn) as connection:
        known = connection.execute(
            "SELECT count(*) FROM memberships WHERE organization_id = %s", (organization,)
        ).fetchone()
        if known and known[0] == len(PEOPLE):
            return
        connection.execute(
            "INSERT INTO organizations (organization_id, name) VALUES (%s, %s)"
            " ON CONFLICT DO NOTHING",
            (organization, ORGANIZATION),
        )
        connection.execute(
            "INSERT INTO placements (placement_id, organization_id, key, name)"
            " VALUES (%s, %s, %s, 'Demo channel') ON CONFLICT DO NOTHING",
            (_id("placement"), organization, PLACEMENT),
        )
        _write_accounts(connection, organization)
        _write_advertisers(connection, organization, ads)


def _write_accounts(connection: psycopg.Connection[Any], organization: UUID) -> None:
    password_hash = hash_password(PASSWORD)
    for email, name, role in PEOPLE:
        connection.execute(
            "INSERT INTO users (user_id, email, name, password_hash) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            (_id(email), email, name, password_hash),
        )
        connection.execute(
            "INSERT INTO memberships (organization_id, user_id, role) VALUES (%s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            (organization, _id(email), role),
        )


def _write_advertisers(
    connection: psycopg.Connection[Any], organization: UUID, ads: Sequence[SampleAd]
) -> None:
    for ad in ads:
        connection.execute(
            "INSERT INTO advertisers"
            " (advertiser_id, organization_id, name, domain, product_category)"
            " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (_id(ad.domain), organization, ad.advertiser, ad.domain, ad.category),
        )


def _sign_in(client: httpx.Client) -> None:
    answer = client.post("/api/v1/auth/login", json={"email": PEOPLE[1][0], "password": PASSWORD})
    token = _checked(answer)["access_token"]
    client.headers["authorization"] = f"Bearer {token}"


def _campaigns_by_name(client: httpx.Client) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    cursor: str | None = None
    while True:
        parameters = {"limit": 200} | ({"cursor": cursor} if cursor else {})
        page = _checked(client.get("/api/v1/campaigns", params=parameters))
        found |= {campaign["name"]: campaign for campaign in page["items"]}
        cursor = page["next_cursor"]
        if cursor is None:
            return found


@dataclass
class _Job:
    """One sample ad on its way from file to active campaign."""

    client: httpx.Client
    ad: SampleAd
    campaign: dict[str, Any] | None
    is_new: bool = False

    @property
    def _path(self) -> str:
        return f"/api/v1/campaigns/{self.campaign['id'] if self.campaign else ''}"

    def create_and_upload(self) -> None:
        """Make the campaign if there is none, and send the file if none was sent."""
        if self.campaign is None:
            self.campaign = self._create()
            self.is_new = True
        if self.campaign["status"] == "draft" and not self._waiting_or_ready():
            self._upload()

    def activate(self) -> None:
        """Start a campaign that is still a draft, once its creative is ready."""
        if self.campaign is None or self.campaign["status"] != "draft":
            return
        deadline = time.monotonic() + _VALIDATION_DEADLINE_S
        while not any(item["status"] == "ready" for item in self._creatives()):
            rejected = [c["rejection_reasons"] for c in self._creatives() if c["rejection_reasons"]]
            if rejected or time.monotonic() > deadline:
                raise LocalError(f"the sample ad {self.ad.title} is not ready: {rejected}")
            time.sleep(0.2)
        _checked(self.client.put(f"{self._path}/status", json={"status": "active"}))

    def _create(self) -> dict[str, Any]:
        starts_at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        body = {
            "name": self.ad.title,
            "advertiser_id": str(_id(self.ad.domain)),
            "budget_micros": BUDGET_MICROS,
            "cpm_micros": CPM_MICROS_PER_SECOND * round(self.ad.duration_ms / 1000),
            "starts_at": starts_at.isoformat(),
            "ends_at": (starts_at + _FLIGHT).isoformat(),
            "pacing": "asap",
        }
        return _checked(self.client.post("/api/v1/campaigns", json=body))

    def _upload(self) -> None:
        body = {
            "name": self.ad.title,
            "filename": self.ad.path.name,
            "content_type": "video/mp4",
            "size_bytes": self.ad.path.stat().st_size,
            "click_through_url": self.ad.click_through_url,
        }
        upload = _checked(self.client.post(f"{self._path}/creatives", json=body))["upload"]
        files = {"file": (self.ad.path.name, self.ad.path.read_bytes(), "video/mp4")}
        answer = httpx.post(upload["url"], data=upload["fields"], files=files, timeout=60)
        if answer.is_error:
            raise LocalError(f"the upload of {self.ad.path.name} failed: {answer.text[:300]}")

    def _creatives(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = _checked(self.client.get(f"{self._path}/creatives"))["items"]
        return items

    def _waiting_or_ready(self) -> bool:
        # An upload that never arrived keeps its creative waiting for ever: send a new one.
        return any(item["status"] in {"validating", "ready"} for item in self._creatives())


def _checked(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_error:
        request = answer.request
        raise LocalError(
            f"{request.method} {request.url} answered {answer.status_code}: {answer.text[:300]}"
        )
    document: dict[str, Any] = answer.json()
    return document
