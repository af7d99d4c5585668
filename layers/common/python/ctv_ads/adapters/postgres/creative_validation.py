"""The verdicts on creatives' files and tags."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from ctv_ads.adapters.postgres.creatives import PostgresCreatives
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.domain.creative import Creative
from ctv_ads.domain.ids import CreativeId, is_id
from ctv_ads.domain.media import MediaFacts, Rejection
from ctv_ads.domain.vast_tag import TagFacts

_START_VALIDATING = """
UPDATE creatives SET status = 'validating', version = version + 1, updated_at = now()
WHERE creative_id = %s AND kind = 'video' AND status IN ('uploading', 'validating')
  AND deleted_at IS NULL"""
_LOCK = "SELECT creative_id FROM creatives WHERE creative_id = %s FOR UPDATE"
_ACCEPT = """
UPDATE creatives SET status = 'ready', facts = %(facts)s, media_sha256 = %(sha256)s,
       media_key = %(media_key)s, version = version + 1, updated_at = %(now)s
WHERE creative_id = %(creative_id)s AND kind = 'video' AND status = 'validating'
  AND deleted_at IS NULL
RETURNING replaces"""
_ACCEPT_TAG = """
UPDATE creatives SET status = 'ready', facts = %(facts)s, rejections = '[]',
       version = version + 1, updated_at = %(now)s
WHERE creative_id = %(creative_id)s AND kind = 'vast_tag' AND status = 'validating'
  AND deleted_at IS NULL
RETURNING replaces"""
_TAKE_ASSIGNMENTS = """
INSERT INTO creative_assignments (organization_id, campaign_id, line_item_id, creative_id,
                                  weight, sequence, starts_at, ends_at)
SELECT organization_id, campaign_id, line_item_id, %(creative_id)s, weight, sequence, starts_at,
       ends_at
FROM creative_assignments WHERE creative_id = %(replaces)s
ON CONFLICT DO NOTHING"""
_LEAVE_ASSIGNMENTS = "DELETE FROM creative_assignments WHERE creative_id = %(replaces)s"
_RETIRE = """
UPDATE creatives SET status = 'archived', version = version + 1, updated_at = %(now)s
WHERE creative_id = %(replaces)s AND status <> 'archived' AND deleted_at IS NULL"""
_REJECT = """
UPDATE creatives SET status = 'rejected', rejections = %(rejections)s, version = version + 1,
       updated_at = %(now)s
WHERE creative_id = %(creative_id)s AND status = 'validating' AND deleted_at IS NULL"""


class PostgresCreativeValidation:
    """Implements `ports.CreativeValidation`, for all organizations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, creative_id: CreativeId) -> Creative | None:
        """Mark a creative that waits for a verdict as being validated, and return it."""
        if not is_id(creative_id):
            return None
        with self._database.transaction() as connection:
            if connection.execute(_START_VALIDATING, (creative_id,)).rowcount == 0:
                return None
            return PostgresCreatives(connection).get(creative_id)

    def is_known(self, creative_id: CreativeId) -> bool:
        """Tell whether there is such a creative, once whoever is changing it has ended."""
        with self._database.transaction() as connection:
            return connection.execute(_LOCK, (creative_id,)).rowcount == 1

    def accept(
        self, creative_id: CreativeId, facts: MediaFacts, *, media_key: str, now: datetime
    ) -> bool:
        """Mark it ready, unless it no longer waits."""
        values = {
            "creative_id": creative_id,
            "facts": Jsonb(asdict(facts)),
            "sha256": facts.sha256,
            "media_key": media_key,
            "now": now,
        }
        return self._accept(_ACCEPT, values)

    def accept_tag(self, creative_id: CreativeId, facts: TagFacts, *, now: datetime) -> bool:
        """Mark a tag ready, unless it no longer waits."""
        values = {"creative_id": creative_id, "facts": Jsonb(asdict(facts)), "now": now}
        return self._accept(_ACCEPT_TAG, values)

    def _accept(self, statement: str, values: Mapping[str, Any]) -> bool:
        with self._database.transaction() as connection:
            accepted = connection.execute(statement.encode(), values).fetchone()
            if accepted is not None and accepted["replaces"] is not None:
                for succeed in (_TAKE_ASSIGNMENTS, _LEAVE_ASSIGNMENTS, _RETIRE):
                    connection.execute(succeed, {**values, **accepted})
            return accepted is not None

    def reject(
        self, creative_id: CreativeId, rejections: Sequence[Rejection], *, now: datetime
    ) -> bool:
        """Mark it rejected, unless it no longer waits."""
        values = {
            "creative_id": creative_id,
            "rejections": Jsonb([asdict(rejection) for rejection in rejections]),
            "now": now,
        }
        with self._database.transaction() as connection:
            return connection.execute(_REJECT, values).rowcount == 1
