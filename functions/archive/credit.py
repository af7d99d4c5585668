"""Credit events that should not have been billed. An operator invokes it; `docs/deploy.md` says how.

Event: `{"reason": "machines", "rule": "data_centre", "events": [{"day": "2026-11-01",
"decision_id": "…", "slot": 1, "event": "impression"}]}`, the rule if they are to be told as invalid.
Each event is credited once; the answer tells of how many there was nothing to credit, and why.
"""

from datetime import date
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.bootstrap.archive import crediting
from ctv_ads.domain.beacon import BeaconEvent
from ctv_ads.domain.ids import DecisionId
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.ports.ledger import DeliveredEvent

_LOG = Logger()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Credit the events in one transaction, and say what it came to.

    Raises:
        KeyError, ValueError: the event does not name events and a reason.
        NotFoundError: a day was dropped, and the archive does not have it.
        ArchiveCorruptError: a file of the archive is not what was written.
        DependencyUnavailableError: PostgreSQL or S3 does not answer; nothing was credited.
    """
    rule = event.get("rule")
    credited = crediting()(
        [
            DeliveredEvent(
                date.fromisoformat(one["day"]),
                DecisionId(one["decision_id"]),
                int(one["slot"]),
                BeaconEvent(one["event"]),
            )
            for one in event["events"]
        ],
        event["reason"],
        rule=None if rule is None else InvalidTraffic(rule),
    )
    told: dict[str, Any] = {
        "credited": credited.events,
        "amount_micros": credited.amount_micros,
        "credited_before": credited.credited_before,
        "never_billed": credited.never_billed,
        "unknown": credited.unknown,
        "is_complete": credited.is_complete,
    }
    tell = _LOG.info if credited.is_complete else _LOG.warning
    tell("events credited", **told)
    return told
