"""VMAP: all breaks of a piece of content, decided at once or each when its time has come."""

import logging
from collections.abc import Mapping

from ctv_ads.bootstrap.decision_plane import ad_server
from ctv_ads.domain.placement import SERVED_VAST_VERSION
from ctv_ads.errors import DependencyUnavailableError, SnapshotCorruptError
from ctv_ads.use_cases.serve_pod import Question
from ctv_ads.vast.breaks import BreakPosition, read_breaks
from ctv_ads.vast.vmap import InlineBreak, TagBreak, tag_url, vmap_document
from functions.ad_request.asking import decide_question, question_at
from functions.ad_request.query import Asked

_LOG = logging.getLogger(__name__)


def vmap_of(asked: Asked, parameters: Mapping[str, str], base_url: str) -> str:
    """Return the VMAP document for the `breaks` that are asked for.

    `mode=tag` gives addresses, `inline` (the default) the ads themselves. Breaks of an unknown
    placement are left out: nobody could count them.
    """
    version = SERVED_VAST_VERSION
    breaks: list[InlineBreak | TagBreak] = []
    for number, position in enumerate(read_breaks(parameters.get("breaks")).positions, 1):
        question = question_at(asked, position, number, base_url)
        if parameters.get("mode") == "tag":
            breaks += _tag(question, parameters, position, number)
            continue
        decision = decide_question(question)
        version = decision.vast_version
        if decision.decided is not None:
            token = ad_server().sign.break_token(decision.decided)
            breaks.append(InlineBreak(position, token, decision.ads))
    return vmap_document(breaks, version=version, base_url=base_url)


def _tag(
    question: Question, parameters: Mapping[str, str], position: BreakPosition, number: int
) -> list[TagBreak]:
    try:
        decided = ad_server().plan(question)
    except (DependencyUnavailableError, SnapshotCorruptError) as error:
        _LOG.error("breaks cannot be planned: %s", error)
        return []
    if decided is None:
        return []
    url = tag_url(question.base_url, parameters, position, number)
    return [TagBreak(position, ad_server().sign.break_token(decided), url)]
