"""The form of archived decisions: one JSON object a line, readable by whatever reads JSON.

`{"entry": <entry of the stream>, "note": <the note, as in Valkey>, "outcome": {...}}`, and in the
outcome `picks` in play order, each with its `line_item`, the positions of candidate and creative,
and the bucket that paid; `verdicts` by candidate; `gap_bp`; `version` in force.
"""

import gzip
from collections.abc import Sequence
from typing import Any

import orjson

from ctv_ads.adapters.decision_notes import decode_note, encode_note
from ctv_ads.domain.decision_record import DecisionRecord
from ctv_ads.domain.pod import FilledPod, Pick
from ctv_ads.domain.reasons import Reason
from ctv_ads.ports.archive import StreamedDecision

_REASONS = {reason.wire_name: reason for reason in Reason}


def encode_decisions(decisions: Sequence[StreamedDecision]) -> bytes:
    """Return the lines of those that have a record, compressed; the same always."""
    lines = [
        orjson.dumps(
            {
                "entry": one.entry_id,
                "note": orjson.Fragment(encode_note(one.record.note)),
                "outcome": _outcome(one.record),
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for one in decisions
        if one.record is not None
    ]
    return gzip.compress(b"".join(lines), mtime=0)


def decode_decision(line: bytes) -> DecisionRecord:
    """Return the decision of a line.

    Raises:
        ValueError: the line holds none.
    """
    try:
        document = orjson.loads(line)
        outcome = document["outcome"]
        picks = tuple(
            Pick(pick["candidate"], pick["creative"], pick["bucket"]) for pick in outcome["picks"]
        )
        verdicts = tuple(_REASONS[name] for name in outcome["verdicts"])
        filled = FilledPod(picks, verdicts, outcome["gap_bp"], outcome["version"])
        return DecisionRecord(decode_note(orjson.dumps(document["note"])), filled)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not an archived decision: {error!r}") from error


def _outcome(record: DecisionRecord) -> dict[str, Any]:
    outcome = record.outcome
    return {
        "picks": [
            {
                "line_item": name,
                "candidate": pick.candidate,
                "creative": pick.creative,
                "bucket": pick.bucket,
            }
            for name, pick in zip(record.shown, outcome.picks, strict=True)
        ],
        "verdicts": [verdict.wire_name for verdict in outcome.verdicts],
        "gap_bp": outcome.optimality_gap_bp,
        "version": outcome.version,
    }
