"""VMAP: all breaks of a piece of content, decided at once or each when its time has come."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from ctv_ads.bootstrap.decision_plane import ad_server
from ctv_ads.domain.ad_request import Ignored
from ctv_ads.domain.ids import DecisionId
from ctv_ads.domain.placement import SERVED_VAST_VERSION
from ctv_ads.domain.reasons import NoFillReason
from ctv_ads.errors import DependencyUnavailableError, SnapshotCorruptError
from ctv_ads.use_cases.serve_pod import Question
from ctv_ads.vast.breaks import BreakPosition, read_breaks
from ctv_ads.vast.vmap import InlineBreak, TagBreak, tag_url, vmap_document
from functions.ad_request.asking import decide_question, document_session, question_at
from functions.ad_request.parameters import MAX_IGNORED, is_unresolved
from functions.ad_request.query import Asked

_LOG = logging.getLogger(__name__)
_TAG = "tag"
_MODES = (None, "inline", _TAG)


@dataclass(frozen=True, slots=True)
class VmapAnswer:
    """A VMAP document, and what was decided in it.

    `no_fill_reason` is given when not even breaks could be told.
    """

    document: str
    decision_ids: tuple[DecisionId, ...] = ()
    no_fill_reason: NoFillReason | None = None


def vmap_of(asked: Asked, parameters: Mapping[str, str], base_url: str) -> VmapAnswer:
    """Return the VMAP document for the `breaks` that are asked for.

    `mode=tag` gives addresses, `inline` (the default) the ads themselves: the breaks of one
    playback, which is a session of its own where none is named. Breaks of an unknown placement
    are left out: nobody could count them.
    """
    wanted = read_breaks(_resolved(parameters, "breaks"))
    mode = _resolved(parameters, "mode")
    ignored = wanted.ignored if mode in _MODES else (Ignored("mode", "malformed"), *wanted.ignored)
    ignored, session = ignored[:MAX_IGNORED], None if mode == _TAG else document_session()
    questions = [
        (position, question_at(asked, position, number, base_url, ignored, session))
        for number, position in enumerate(wanted.positions, 1)
    ]
    return _tags(questions, parameters, base_url) if mode == _TAG else _inline(questions, base_url)


def _resolved(parameters: Mapping[str, str], name: str) -> str | None:
    text = parameters.get(name, "").strip()
    return text if text and not is_unresolved(text) else None


_Questions = list[tuple[BreakPosition, Question]]


def _inline(questions: _Questions, base_url: str) -> VmapAnswer:
    version, reason = SERVED_VAST_VERSION, None
    breaks: list[InlineBreak] = []
    decision_ids: list[DecisionId] = []
    for position, question in questions:
        decision = decide_question(question)
        if decision.decided is None:
            reason = decision.no_fill_reason
            continue
        version = decision.vast_version
        token = ad_server().sign.break_token(decision.decided)
        breaks.append(InlineBreak(position, token, decision.ads))
        decision_ids.append(decision.decision_id)
    document = vmap_document(breaks, version=version, base_url=base_url)
    return VmapAnswer(document, tuple(decision_ids), None if breaks else reason)


def _tags(questions: _Questions, parameters: Mapping[str, str], base_url: str) -> VmapAnswer:
    version, reason = SERVED_VAST_VERSION, None
    breaks: list[TagBreak] = []
    for number, (position, question) in enumerate(questions, 1):
        try:
            planned = ad_server().plan(question)
        except (DependencyUnavailableError, SnapshotCorruptError) as error:
            _LOG.error("breaks cannot be planned: %s", error)
            reason = NoFillReason.INVENTORY_UNAVAILABLE
            continue
        if planned is None:
            reason = NoFillReason.UNKNOWN_PLACEMENT
            continue
        version = planned.vast_version
        url = tag_url(base_url, parameters, position, number)
        breaks.append(TagBreak(position, ad_server().sign.break_token(planned.decided), url))
    document = vmap_document(breaks, version=version, base_url=base_url)
    return VmapAnswer(document, no_fill_reason=None if breaks else reason)
