"""Golden cases of the ad request: `tests/cases/ad_request`, told in `tests/cases/README.md`."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_network
from itertools import chain
from pathlib import Path
from typing import Any

from ctv_ads.adapters.decision_notes import decode_note
from ctv_ads.decisioning.repeat_pod import query_again
from ctv_ads.domain.beacon_token import read_token
from ctv_ads.domain.decision_record import DecisionNote
from ctv_ads.domain.inventory import Inventory, PublishedPlacement
from ctv_ads.domain.pod import FilledPod
from ctv_ads.domain.reasons import Reason
from ctv_ads.web.door import Door
from tests.builders import KEYS, NOON
from tests.case_inventory import inventory_of, names_of, placement_of
from tests.functions.recorded import Event, api_event
from tests.serving import DOOR, AdServer

FOLDER = Path(__file__).resolve().parent / "cases" / "ad_request"
DECISION_ID = "0193593b-0000-7000-8000-00000000000d"
_IMPRESSION = re.compile(r"/t/impression/([A-Za-z0-9_-]+)")
_BREAK = re.compile(r'<vmap:AdBreak [^>]*breakId="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Asked:
    """One request at its time, and the ads that are expected, in play order; None: not said."""

    event: Event
    now: datetime
    ads: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Case:
    """One request with the inventory it meets, those before it, and the answer it gets."""

    path: Path
    about: str
    request: Asked
    before: Sequence[Asked]
    placement: PublishedPlacement
    inventory: Inventory | None
    names: Mapping[str, str]
    door: Door
    seed: int
    answer: Mapping[str, Any]

    def shown(self, answered: str) -> list[str]:
        """Return the names of the line items, or their creatives, that an answer holds."""
        claims = [read_token(token, KEYS) for token in _IMPRESSION.findall(answered)]
        return [self.names.get(one.creative_id, self.names[one.line_item_id]) for one in claims]

    def breaks(self, answered: str) -> Mapping[str, list[str]]:
        """Return the same for each break of a VMAP document."""
        _, *parts = _BREAK.split(answered)
        return {
            name: self.shown(inside) for name, inside in zip(parts[::2], parts[1::2], strict=True)
        }

    def reasons(self, server: AdServer) -> Mapping[str, str]:
        """Return for each line item why it ran or did not in the last decision."""
        note, pod = self.record(server)
        verdicts = dict(zip(note.candidates, pod.verdicts, strict=True))
        index = server.snapshots.line_items(note.organization_id)
        for reason, left_out in index.explain(query_again(note, self.placement)).items():
            verdicts |= dict.fromkeys(left_out, reason)
        chosen = Reason.CHOSEN
        return {self.names[name]: r.wire_name for name, r in verdicts.items() if r is not chosen}

    def record(self, server: AdServer) -> tuple[DecisionNote, FilledPod]:
        """Return what the last decision left behind."""
        blob, pod = server.filler.records[-1]
        return decode_note(blob), pod

    def expected_document(self, answered: str) -> str:
        """Return the golden document; with UPDATE_CASES=1, make it what was answered."""
        golden = self.path.with_suffix(".xml")
        if os.environ.get("UPDATE_CASES"):
            golden.write_text(answered, "utf-8")
        return golden.read_text("utf-8")


def cases() -> Sequence[Case]:
    return [_case(path) for path in sorted(FOLDER.glob("*/*.json"))]


def _case(path: Path) -> Case:
    document = json.loads(path.read_text("utf-8"))
    line_items = document.get("line_items")
    placement = placement_of(document.get("placement", {}))
    return Case(
        path=path,
        about=document["about"],
        request=_asked(document, document["answer"].get("ads")),
        before=[_asked({**document, **each}, each["ads"]) for each in _before(document)],
        placement=placement,
        inventory=None if line_items is None else inventory_of(line_items, placement),
        names=names_of(line_items or []),
        door=_door(document.get("door", {})),
        seed=document.get("seed", 0),
        answer=document["answer"],
    )


def _before(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return chain.from_iterable([each] * each.get("times", 1) for each in document.get("before", ()))


def _asked(document: Mapping[str, Any], ads: Sequence[str] | None) -> Asked:
    request = document["request"]
    if isinstance(request, str):
        request = {"method": "GET", "path": request}
    event = api_event(
        request["method"],
        request["path"],
        body=request.get("body"),
        headers=request.get("headers"),
        is_base64=request.get("is_base64", False),
    )
    now = datetime.fromisoformat(document["now"]) if "now" in document else NOON
    return Asked(event, now, ads)


def _door(given: Mapping[str, Any]) -> Door:
    return Door(
        key=DOOR.key,
        trusted_proxies=tuple(map(ip_network, given.get("trusted_proxies", ()))),
        cloudfront_proof=given.get("cloudfront_proof"),
    )
