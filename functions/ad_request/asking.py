"""Put what came to the door to the ad server."""

import logging
from collections.abc import Callable
from dataclasses import replace
from hashlib import blake2b

from ctv_ads.bootstrap.decision_plane import ad_server, front_door
from ctv_ads.domain.ad_request import AdRequest, Ignored
from ctv_ads.domain.decision_record import AnswerForm
from ctv_ads.domain.inventory import PublishedPlacement
from ctv_ads.use_cases.serve_pod import PodDecision, Question
from ctv_ads.vast.breaks import BreakPosition
from functions.ad_request.query import Asked, ad_request_of

_LOG = logging.getLogger(__name__)
# As long as the keys that are made at the door (`viewer.py`).
_KEY_BYTES = 12


def decide(asked: Asked, form: AnswerForm, base_url: str) -> PodDecision:
    """Return the decision on the one break that is asked for."""
    return decide_question(Question(asked.placement, _reader(asked), form, base_url))


def decide_question(question: Question) -> PodDecision:
    """Return the decision; one that is less than it could be is told in the log."""
    decision = ad_server()(question)
    if decision.degraded:
        _LOG.error("decision %s is degraded: %s", decision.decision_id, decision.degraded)
    return decision


def question_at(
    asked: Asked,
    position: BreakPosition,
    number: int,
    base_url: str,
    ignored: tuple[Ignored, ...] = (),
    session_key: str | None = None,
) -> Question:
    """Return the question for the `number`-th break of a VMAP document.

    `ignored` is what was not understood of the document's own parameters; `session_key` is for
    a request that names no session.
    """
    read = _reader(asked)

    def read_at(placement: PublishedPlacement) -> AdRequest:
        request = read(placement)
        asked_break = replace(request.ad_break, break_type=position.break_type, avail_index=number)
        viewer = request.viewer
        if viewer.session_key is None:
            viewer = replace(viewer, session_key=session_key)
        ignored_here = (*request.ignored, *ignored)
        return replace(request, ad_break=asked_break, viewer=viewer, ignored=ignored_here)

    return Question(asked.placement, read_at, AnswerForm.VMAP, base_url)


def document_session() -> str:
    """Return the session key of one document: made of nothing that tells who asked for it."""
    own_id = ad_server().new_id().encode()
    return blake2b(own_id, digest_size=_KEY_BYTES, person=b"document").hexdigest()


def _reader(asked: Asked) -> Callable[[PublishedPlacement], AdRequest]:
    def read(placement: PublishedPlacement) -> AdRequest:
        return ad_request_of(
            asked,
            trusted=placement.trusted_caller,
            scope=placement.organization_id,
            door=front_door(),
        )

    return read
