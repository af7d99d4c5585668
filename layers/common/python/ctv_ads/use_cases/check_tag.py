"""Follow a third party's VAST tag to its ad, and judge that."""

import re
from dataclasses import dataclass

from ctv_ads.domain.media import RejectionCode
from ctv_ads.domain.vast_tag import (
    MAX_WRAPPERS,
    InlineAnswer,
    TagFacts,
    WrapperAnswer,
    facts_of_tag,
    judge_inline,
)
from ctv_ads.ports.vast_tags import Monotonic, TagCheck, TagFetchError, TagVerdict, VastFetcher
from ctv_ads.vast.reader import NotVastError, SeveralAdsError, read_vast

TIME_LIMIT_S = 8.0
"""For the whole chain; IMA gives the first request as much (IMAErrorCode reference)."""
_CACHEBUSTING = re.compile(r"\[CACHEBUSTING\]|%5BCACHEBUSTING%5D", re.IGNORECASE)
_MACRO = re.compile(r"\[[A-Z0-9_]+\]|%5B[A-Z0-9_]+%5D")


@dataclass(frozen=True, slots=True)
class CheckTag:
    """Checks one tag at a time."""

    fetcher: VastFetcher
    max_duration_ms: int
    monotonic: Monotonic

    def __call__(self, check: TagCheck) -> TagVerdict:
        """Return the facts of the ad that the tag leads to, or every reason against it."""
        try:
            ad, wrappers = self._unwrap(check.tag_url)
        except TagFetchError as error:
            return TagVerdict(check.creative_id, None, (error.rejection,))
        rejections = judge_inline(ad, max_duration_ms=self.max_duration_ms)
        facts: TagFacts | None = None if rejections else facts_of_tag(ad, wrappers=wrappers)
        return TagVerdict(check.creative_id, facts, rejections)

    def _unwrap(self, tag_url: str) -> tuple[InlineAnswer, int]:
        deadline = self.monotonic() + TIME_LIMIT_S
        seen: set[str] = set()
        url = tag_url
        # The wrapper around the tag, ours, is one of those that players count.
        for wrappers in range(MAX_WRAPPERS):
            if url in seen:
                raise TagFetchError(RejectionCode.TAG_LOOP, "The tag's wrappers lead in a circle.")
            seen.add(url)
            answer = _read(self.fetcher.fetch(_without_macros(url), deadline=deadline))
            if isinstance(answer, InlineAnswer):
                return answer, wrappers
            url = answer.tag_url
        message = f"The tag has more than {MAX_WRAPPERS - 1} wrappers; ours would be one too many."
        raise TagFetchError(RejectionCode.TAG_TOO_MANY_WRAPPERS, message)


def _read(document: bytes) -> InlineAnswer | WrapperAnswer:
    try:
        answer = read_vast(document)
    except NotVastError as error:
        raise TagFetchError(
            RejectionCode.TAG_NOT_VAST, f"The tag answers with what is no VAST: {error}."
        ) from error
    except SeveralAdsError as error:
        message = "The tag answers with several ads; one is served."
        raise TagFetchError(RejectionCode.TAG_SEVERAL_ADS, message) from error
    if answer is None:
        raise TagFetchError(RejectionCode.TAG_NO_AD, "The tag answers without an ad.")
    return answer


def _without_macros(url: str) -> str:
    """Put in what a player would: a number against caches, -1 for what is unknown."""
    return _MACRO.sub("-1", _CACHEBUSTING.sub("12345678", url))
