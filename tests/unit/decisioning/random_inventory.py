"""Random line items and requests that meet often, for properties of searches."""

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from ctv_ads.domain.ad_request import AdBreak, AdRequest, BreakType, Content, Viewer
from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.ids import AdvertiserId, OrganizationId, PlacementId
from ctv_ads.domain.inventory import PublishedPlacement, ServableCreative, ServableLineItem
from ctv_ads.domain.line_item import Daypart, RateType, Weekday
from ctv_ads.domain.targeting import Rule
from tests.builders import NOON, a_servable_creative, a_servable_line_item
from tests.unit.decisioning.reference import Asked

# 2026-03-29 and 2026-10-25 are the days on which Vienna changes its clocks.
_MOMENTS = (
    NOON,
    datetime(2026, 3, 29, 0, 59, 59, 999_000, tzinfo=UTC),
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 30, 0, 1_000, tzinfo=UTC),
)
_ZONES = ("UTC", "Europe/Vienna", "America/New_York", "Asia/Kathmandu")
_VALUES = {
    "country": ("AT", "DE", "US"),
    "region": ("AT-9", "US-CA"),
    "metro": ("501", "803"),
    "city": ("Vienna", "VIENNA", "Graz"),
    "postal_prefix": ("1", "10", "1010", "SW1A", "SW1A 1"),
    "device_type": ("ctv", "phone"),
    "os": ("tizen", "roku"),
    "make": ("Samsung", "samsung", "LG"),
    "app_bundle": ("com.a", "COM.A"),
    "channel": ("News", "news", "Sport"),
    "network": ("One", "ONE"),
    "genre": ("Drama", "drama", "News", "Comedy"),
    "rating": ("TV-14", "TV-G"),
    "language": ("de", "de-AT", "DE-at", "en", "d"),
    "livestream": ("true", "false"),
    "placement": ("00000000-0000-7000-8000-000000000001", "00000000-0000-7000-8000-000000000002"),
    "break_type": ("preroll", "midroll"),
    "segment": ("fans", "Fans", "parents"),
    "kv.team": ("reds", "Reds", "blues"),
    "kv.tier": ("gold", "silver"),
}
_CATEGORIES = ("1001", "1002", None)
_DOMAINS = ("a.example", "shop.a.example", "A.example", "ba.example", None)
_LENGTHS_MS = (6_000, 15_000, 15_015, 30_000, 30_999)
_MIMES = ("video/mp4", "video/webm")


def _id(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128)))


def random_line_items(random: Random, size: int) -> list[ServableLineItem]:
    """Return line items of few advertisers, prices and schedules, so that many are equals."""
    prices = random.choice(((1_000,), (1_000, 2_000, 30_000), tuple(range(0, 40_000, 7))))
    advertisers = [AdvertiserId(_id(random)) for _ in range(random.choice((1, 4, size + 1)))]
    targeted = random.choice((0.02, 0.1, 0.3))
    schedules = [_dayparts(random) for _ in range(3)]
    return [
        a_servable_line_item(
            line_item_id=_id(random),
            priority=random.choice((4, 8, 8, 8)),
            type=random.choice((*[LineItemType.STANDARD] * 8, LineItemType.HOUSE)),
            value_micros=random.choice(prices),
            rate_type=random.choice((*[RateType.CPM] * 5, RateType.FLAT)),
            urgency=random.choice((0, 0, 0, 1)),
            advertiser_id=random.choice(advertisers),
            advertiser_domain=random.choice(_DOMAINS),
            category=random.choice(_CATEGORIES),
            starts_at=_near(random, -timedelta(hours=1)),
            ends_at=_near(random, timedelta(hours=2)),
            timezone=random.choice(_ZONES),
            dayparts=random.choice((*[()] * 5, *schedules)),
            targeting=_targeting(random, targeted),
            creatives=[_creative(random) for _ in range(random.choice((0, 1, 1, 1, 2, 3)))],
        )
        for _ in range(size)
    ]


def _near(random: Random, usual: timedelta) -> datetime:
    """Return a moment that is on the usual side of most of those asked for, or just at one."""
    moment = random.choice(_MOMENTS)
    if random.random() < 0.2:
        return moment + timedelta(milliseconds=random.choice((-1, 0, 1)))
    return moment + usual * random.choice((1, 24 * 200, 24 * 400))


def _dayparts(random: Random) -> tuple[Daypart, ...]:
    bounds = (0, 30, 60, 119, 120, 150, 180, 720, 721, 780, 1440)
    parts = []
    for _ in range(random.choice((1, 2))):
        begin, end = sorted(random.sample(bounds, 2))
        days = tuple(random.sample(list(Weekday), random.choice((1, 4, 7))))
        parts.append(Daypart(days, begin, end))
    return tuple(parts)


def _targeting(random: Random, probability: float) -> dict[str, Rule]:
    found = {}
    for name, values in _VALUES.items():
        if random.random() < probability:
            shuffled = random.sample(values, len(values))
            includes = random.choice((0, 1, 2))
            rest = shuffled[includes:]
            found[name] = Rule(
                tuple(shuffled[:includes]),
                tuple(rest[: random.choice((0, 0, 1) if includes else (1,))]),
            )
    return found


def _creative(random: Random) -> ServableCreative:
    return a_servable_creative(
        creative_id=_id(random),
        duration_ms=random.choice(_LENGTHS_MS),
        starts_at=random.choice((None, None, None, _near(random, -timedelta(hours=1)))),
        ends_at=random.choice((None, None, None, _near(random, timedelta(hours=1)))),
    )


def random_asked(random: Random) -> Asked:
    """Return a search that knows each dimension or does not."""

    def one(name: str) -> str | None:
        return random.choice((None, *_VALUES[name], *_VALUES[name], "Elsewhere"))

    def some(name: str) -> tuple[str, ...]:
        return tuple(random.sample(_VALUES[name], random.choice((0, 1, 1, 2))))

    lengths = random.choice(((0, None), (0, None), (0, 15_000), (15_001, 30_500), (6_000, 6_000)))
    return Asked(
        request=AdRequest(
            placement="preroll",
            ad_break=AdBreak(break_type=random.choice((None, *BreakType))),
            viewer=Viewer(
                country=one("country"),
                region=one("region"),
                metro=one("metro"),
                city=one("city"),
                postal=random.choice((None, "1010", "10115", "sw1a 1aa", "SW1A1AA")),
                device_type=one("device_type"),
                os=one("os"),
                make=one("make"),
                segments=some("segment"),
            ),
            content=Content(
                app_bundle=one("app_bundle"),
                channel=one("channel"),
                network=one("network"),
                genres=some("genre"),
                rating=one("rating"),
                language=random.choice((None, "de", "de-AT", "DE-AT-x-y", "en-US", "den")),
                livestream=random.choice((None, True, False)),
            ),
            key_values={"team": some("kv.team"), "tier": some("kv.tier"), "other": ("x",)},
            accepted_mimes=random.choice(((), (), ("video/mp4",), ("video/webm",))),
            max_bitrate_kbps=random.choice((None, None, 5_000, 4_999)),
        ),
        placement=PublishedPlacement(
            placement_id=PlacementId(random.choice(_VALUES["placement"])),
            organization_id=OrganizationId("o"),
            app_bundle=one("app_bundle"),
            channel=one("channel"),
            floor_cpm_micros=random.choice((0, 0, 0, 1_000_000, 1_000_001, 10_000_000)),
            blocked_categories=random.choice(((), (), ("1001",), ("1001", "1002"))),
            blocked_domains=random.choice(
                ((), (), ("A.example",), ("shop.a.example", "x.example"))
            ),
        ),
        now=random.choice(_MOMENTS),
        seed=random.getrandbits(32),
        min_ad_ms=lengths[0],
        max_ad_ms=lengths[1],
    )
