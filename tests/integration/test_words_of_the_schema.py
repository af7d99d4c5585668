"""Each fact is stated once: Python's enums are the lists that the schema's CHECKs allow."""

import re
from enum import StrEnum

import psycopg
import pytest

from ctv_ads.domain.access import Role
from ctv_ads.domain.campaign import CampaignStatus, LineItemType
from ctv_ads.domain.creative import CreativeKind, CreativeStatus
from ctv_ads.domain.line_item import (
    CreativeRotation,
    GoalUnit,
    LineItemStatus,
    PodPosition,
    RateType,
)
from ctv_ads.domain.pace import Pacing
from tests.worlds import Schema

_CHECKS = """
SELECT pg_get_constraintdef(c.oid) FROM pg_constraint c
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
WHERE c.contype = 'c' AND c.conrelid = %s::regclass AND a.attname = %s"""


@pytest.mark.parametrize(
    ("table", "column", "words"),
    [
        ("memberships", "role", Role),
        ("campaigns", "status", CampaignStatus),
        ("line_items", "type", LineItemType),
        ("line_items", "status", LineItemStatus),
        ("line_items", "rate_type", RateType),
        ("ad_events", "rate_type", RateType),
        ("line_items", "goal_unit", GoalUnit),
        ("line_items", "pacing", Pacing),
        ("line_items", "creative_rotation", CreativeRotation),
        ("line_items", "pod_position", PodPosition),
        ("creatives", "status", CreativeStatus),
        ("creatives", "kind", CreativeKind),
    ],
)
def test_an_enum_is_what_its_column_allows(
    schema: Schema, table: str, column: str, words: type[StrEnum]
) -> None:
    with psycopg.connect(schema.owner_dsn) as owner:
        checks = [row[0] for row in owner.execute(_CHECKS, (table, column))]
    listed = [check for check in checks if "ARRAY[" in check]
    assert len(listed) == 1
    assert set(re.findall(r"'(\w+)'", listed[0])) == {word.value for word in words}
