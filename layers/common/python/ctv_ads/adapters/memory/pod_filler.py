"""Filling breaks in memory: the pure rules and a dictionary for Valkey."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ctv_ads.decisioning.count_pod import count_pod
from ctv_ads.decisioning.fill_pod import fill_pod
from ctv_ads.decisioning.pod_search import NODE_LIMIT
from ctv_ads.decisioning.pod_state import Grant, ViewerState
from ctv_ads.decisioning.pod_terms import DEVICE, HOUSEHOLD, SESSION, terms_of
from ctv_ads.decisioning.room_left import has_room
from ctv_ads.domain.pod import Candidate, FilledPod, PodSpec, ViewerKeys


@dataclass(slots=True)
class InMemoryPodFiller:
    """Implements `ports.PodFiller`; what it remembers may be looked at and changed."""

    version: str | None = None
    grants: dict[bytes, Grant] = field(default_factory=dict)
    hashes: dict[tuple[int, str], Mapping[bytes, bytes]] = field(default_factory=dict)
    records: list[tuple[bytes, FilledPod]] = field(default_factory=list)
    node_limit: int = NODE_LIMIT

    def fill(  # noqa: PLR0913 - the port's
        self,
        spec: PodSpec,
        candidates: Sequence[Candidate],
        viewer: ViewerKeys,
        *,
        seed: int,  # noqa: ARG002 - chooses the shard where there are shards
        now: datetime,
        version: str | None,
        record: bytes,
        least_more_ms: int = 0,
    ) -> FilledPod:
        """Pick, reserve, count and record; see the port."""
        if None not in (version, self.version) and version != self.version:
            return FilledPod((), (), version=self.version, is_stale=True)
        known = {SESSION: viewer.session, DEVICE: viewer.device, HOUSEHOLD: viewer.household}
        names = {kind: (kind, key) for kind, key in known.items() if key is not None}
        state = ViewerState(
            {kind: self.hashes.get(name, {}) for kind, name in names.items()}, self.grants
        )
        now_s = int(now.timestamp())
        terms = [terms_of(candidate) for candidate in candidates]
        filled = fill_pod(spec, terms, state, now_s=now_s, node_limit=self.node_limit)
        if least_more_ms and has_room(spec, candidates, filled.pod, least_ms=least_more_ms):
            return FilledPod((), filled.pod.verdicts, version=self.version, is_short=True)
        remembered = count_pod(filled.order, state, now_s=now_s)
        self.hashes.update({names[kind]: after for kind, after in remembered.hashes.items()})
        self.grants.update(remembered.grants)
        pod = FilledPod(
            filled.pod.picks, filled.pod.verdicts, filled.pod.optimality_gap_bp, self.version
        )
        self.records.append((record, pod))
        return pod
