"""The ad server in memory: published inventory, granted tokens, and a clock that stands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain

from ctv_ads.adapters.decision_notes import encode_note
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.memory.inventory import MemorySnapshots
from ctv_ads.adapters.memory.pod_filler import InMemoryPodFiller
from ctv_ads.decisioning.pod_state import Grant
from ctv_ads.domain.ad_request import AdRequest
from ctv_ads.domain.decision_record import AnswerForm
from ctv_ads.domain.inventory import Inventory
from ctv_ads.use_cases.serve_pod import PodDecision, Question, ServePod
from ctv_ads.use_cases.sign_ads import SignAds
from ctv_ads.web.door import Door
from tests.builders import DAY, KEYS, NOON

BASE_URL = "https://ads.example.com"
BUCKET = 7
SIGN = SignAds(keys=KEYS, beacon_lifetime=DAY, reservation=timedelta(minutes=15))
DOOR = Door(key=b"a key of the tests, 32 bytes lon")


@dataclass(slots=True)
class AdServer:
    """Serves what was published last; every line item has tokens, `remaining_micros` of them."""

    snapshots: MemorySnapshots = field(default_factory=MemorySnapshots)
    filler: InMemoryPodFiller = field(default_factory=InMemoryPodFiller)
    now: datetime = NOON
    seed: int = 0
    new_id: Callable[[], str] = new_id

    def publish(self, inventory: Inventory) -> None:
        self.filler.version = self.snapshots.publish(inventory)
        for line_item in chain(*inventory.line_items.values()):
            grant = Grant(BUCKET, line_item.remaining_micros)
            self.filler.grants[line_item.line_item_id.encode()] = grant

    def serve(self) -> ServePod:
        return ServePod(
            inventory=self.snapshots,
            filler=self.filler,
            encode_note=encode_note,
            sign=SIGN,
            clock=lambda: self.now,
            new_id=self.new_id,
            new_seed=lambda: self.seed,
        )

    def ask(self, placement: str, **request: object) -> PodDecision:
        return self.serve()(question(placement, request))


def question(placement: str, request: Mapping[str, object] | None = None) -> Question:
    asked = AdRequest(placement, **(request or {}))  # type: ignore[arg-type]
    return Question(placement, lambda _: asked, AnswerForm.VAST, BASE_URL)
