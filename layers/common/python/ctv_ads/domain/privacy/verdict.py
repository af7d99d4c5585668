"""What all signals of a request together allow.

Every signal may only take away. What cannot be read is a refusal; whoever refuses one thing by
law of the United States, to a child or by the device's own switch, is counted by session alone.
A signal may have several values between commas (`several.py`): each is judged.
`docs/decisions/0023-privacy-at-the-door.md` gives the reasons.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from ctv_ads.domain.ad_request import Privacy
from ctv_ads.domain.privacy.bits import MAX_CHARACTERS, UnreadableError
from ctv_ads.domain.privacy.gpp import gpp_sections
from ctv_ads.domain.privacy.several import values_of
from ctv_ads.domain.privacy.tcf import (
    ConsentString,
    Purpose,
    canadian_consents,
    consent_string,
)
from ctv_ads.domain.privacy.us import US_SECTIONS, opt_outs_of_section, opt_outs_of_us_privacy

OPT_IN_COUNTRIES = frozenset(
    {
        "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR",
        "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE",
        "SI", "SK",
    }
)  # fmt: skip
"""The European Economic Area, the United Kingdom and Switzerland: silence is no consent there."""
EVERYWHERE = "*"
POSTAL_WITHOUT_CONSENT = 3
"""Characters of a postal code that may be known of a viewer whose household may not."""
SIGNALS = ("gdpr", "gdpr_consent", "gpp", "gpp_sid", "us_privacy", "coppa", "lmt")

_TCF_SECTION = 2
_CANADIAN_SECTION = 5
_US_PRIVACY_SECTION = 6
_SECTION_NUMBER = re.compile("-1|[0-9]{1,4}")
_NO_IFA = frozenset("0-")
_YES = frozenset({"1", "true", "yes", "y"})
_NO = frozenset({"0", "false", "no", "n"})
_EITHER = _YES | _NO
_SHORT = 64
_FORBIDDEN, _NEEDS_CONSENT, _NEEDS_INTEREST = 0, 1, 2
_NOTHING, _DEVICE_ID, _HOUSEHOLD, _PERSONALIZE, _FORWARD, _ALL = 0, 1, 2, 4, 8, 15


@dataclass(frozen=True, slots=True)
class PrivacyRules:
    """What the operator decides.

    In `opt_in_countries` silence is refusal; `*` among them means everywhere, unknown countries
    included. `tcf_vendor_id` is the operator's number in the Global Vendor List; without one
    the operator acts for the publisher, and purposes alone are asked.
    """

    opt_in_countries: frozenset[str] = OPT_IN_COUNTRIES
    tcf_vendor_id: int | None = None


@dataclass(slots=True)
class _Verdict:
    may: int
    """Bits of what is allowed."""
    refusals: list[str]

    def refuse(self, why: str, left: int = _NOTHING) -> None:
        self.may &= left
        if why not in self.refusals:
            self.refusals.append(why)


def privacy_of(
    signals: Mapping[str, str], *, country: str | None, ifa: str | None, rules: PrivacyRules
) -> Privacy:
    """Return what a request's signals allow. `signals` has some of `SIGNALS`, as they were sent."""
    is_limited = ifa is not None and _NO_IFA.issuperset(ifa)
    if not (signals or is_limited or _is_silence_refusal(country, signals, rules)):
        return _UNSIGNALLED
    sent = tuple(signals.items())
    # Flags are the same for many viewers; a consent string is nearly one's own, and long.
    judge = _judged_before if sum(map(len, signals.values())) <= _SHORT else _judged
    return judge(sent, country, rules, is_limited=is_limited)


def _judged(
    sent: tuple[tuple[str, str], ...], country: str | None, rules: PrivacyRules, *, is_limited: bool
) -> Privacy:
    signals = dict(sent)
    verdict = _Verdict(_ALL, [])
    if is_limited:
        verdict.refuse("lmt")  # what devices send as their id when tracking is limited
    for name in ("lmt", "coppa"):
        if _flag(name, signals, verdict):
            verdict.refuse(name)
    sections = _sections(signals, verdict)
    _judge_europe(signals, sections, verdict, country=country, rules=rules)
    _judge_sections(sections, verdict)
    for text in values_of(signals, "us_privacy"):
        _judge_us_privacy(text, verdict)
    return Privacy(
        may_use_device_id=bool(verdict.may & _DEVICE_ID),
        may_use_household=bool(verdict.may & _HOUSEHOLD),
        may_personalize=bool(verdict.may & _PERSONALIZE),
        may_forward=bool(verdict.may & _FORWARD),
        signals=MappingProxyType({name: text[:MAX_CHARACTERS] for name, text in signals.items()}),
        refusals=tuple(verdict.refusals),
    )


_judged_before = lru_cache(maxsize=1024)(_judged)
_UNSIGNALLED = Privacy(
    may_use_device_id=True, may_use_household=True, may_personalize=True, may_forward=True
)


def _flag(name: str, signals: Mapping[str, str], verdict: _Verdict) -> bool | None:
    """Return a flag, or None when it was not sent. One yes is a yes, and so is what is neither."""
    words = [text.strip().lower() for text in values_of(signals, name)]
    if not words:
        return None
    if _NO.issuperset(words):
        return False
    if not _EITHER.issuperset(words):
        verdict.refuse(f"{name}_unreadable", _ALL)
    return True


_Sections = Sequence[tuple[int, str]]
"""Sections by their numbers; of several strings each may have the same."""


def _sections(signals: Mapping[str, str], verdict: _Verdict) -> _Sections:
    """Return the sections of the GPP strings that apply: all, when none are named."""
    texts, named = values_of(signals, "gpp"), signals.get("gpp_sid")
    if not texts and named is None:
        return ()
    try:
        wanted = _section_numbers(named)
        found = [section for text in texts for section in gpp_sections(text).items()]
    except UnreadableError:
        verdict.refuse("gpp_unreadable")
        return ()
    if wanted is None:
        return found
    if wanted - {number for number, _ in found} - {_TCF_SECTION}:
        # Section 2 may come as gdpr_consent instead; that is judged with Europe.
        verdict.refuse("gpp_section_missing")
    return [(number, section) for number, section in found if number in wanted]


def _section_numbers(named: str | None) -> set[int] | None:
    """Return the numbers in `gpp_sid`; None when it names none. 0 and -1 say that none applies."""
    if named is None:
        return None
    words = [word.strip() for word in named.replace("_", ",").split(",")]
    if not all(map(_SECTION_NUMBER.fullmatch, words)):
        raise UnreadableError("no numbers")
    return {int(word) for word in words} - {0, -1}


def _judge_europe(
    signals: Mapping[str, str],
    sections: _Sections,
    verdict: _Verdict,
    *,
    country: str | None,
    rules: PrivacyRules,
) -> None:
    applies = _flag("gdpr", signals, verdict)
    consents = [section for number, section in sections if number == _TCF_SECTION]
    # Also where gdpr=0 says that none is needed: who was asked and refused has refused.
    consents += values_of(signals, "gdpr_consent")
    for text in consents:
        _judge_consent(text, rules, verdict)
    if consents:
        return
    if applies or _TCF_SECTION in (_section_numbers_or_none(signals) or ()):
        verdict.refuse("tcf_missing")
    elif applies is None and _is_silence_refusal(country, signals, rules):
        verdict.refuse("no_signal")


def _section_numbers_or_none(signals: Mapping[str, str]) -> set[int] | None:
    try:
        return _section_numbers(signals.get("gpp_sid"))
    except UnreadableError:
        return None


def _is_silence_refusal(
    country: str | None, signals: Mapping[str, str], rules: PrivacyRules
) -> bool:
    if country in rules.opt_in_countries:
        return True
    return EVERYWHERE in rules.opt_in_countries and not (signals.keys() & {"gpp", "us_privacy"})


def _judge_consent(text: str, rules: PrivacyRules, verdict: _Verdict) -> None:
    try:
        allowed = _allowed_by(consent_string(text), rules.tcf_vendor_id)
    except UnreadableError:
        verdict.refuse("tcf_unreadable")
        return
    if allowed != _ALL:
        verdict.refuse("tcf", allowed)


def _allowed_by(consent: ConsentString, vendor: int | None) -> int:
    permits = _permissions(consent, vendor)
    if not (permits(Purpose.STORE_ON_DEVICE) and permits(Purpose.SELECT_BASIC_ADS)):
        return _NOTHING
    allowed = _DEVICE_ID | _HOUSEHOLD
    if permits(Purpose.SELECT_PERSONALISED_ADS):
        allowed |= _PERSONALIZE
        if permits(Purpose.MEASURE_ADS):
            allowed |= _FORWARD
    return allowed


def _permissions(consent: ConsentString, vendor: int | None) -> Callable[[Purpose], bool]:
    """Return what tells whether a purpose may be followed: by consent, or by legitimate interest.

    Purposes 1 and 3 to 6 know no legitimate interest (TCF policies 4 and later).
    """
    if vendor is None:
        return lambda purpose: (
            consent.consents_to(purpose)
            or (purpose in _INTERESTS and consent.has_legitimate_interest(purpose))
        )
    is_consented = consent.vendor_consents(vendor)
    is_interested = consent.vendor_has_legitimate_interest(vendor)
    restrictions = consent.restrictions_of(vendor)

    def permits(purpose: Purpose) -> bool:
        kind = restrictions.get(purpose)
        by_consent = is_consented and consent.consents_to(purpose)
        by_interest = (
            is_interested and purpose in _INTERESTS and consent.has_legitimate_interest(purpose)
        )
        if kind == _FORBIDDEN:
            return False
        if kind == _NEEDS_CONSENT:
            return by_consent
        return by_interest if kind == _NEEDS_INTEREST else by_consent or by_interest

    return permits


_INTERESTS = frozenset({Purpose.SELECT_BASIC_ADS, Purpose.MEASURE_ADS})


def _judge_sections(sections: _Sections, verdict: _Verdict) -> None:
    for number, text in sections:
        if number == _US_PRIVACY_SECTION:
            _judge_us_privacy(text, verdict)
        elif number == _CANADIAN_SECTION:
            _judge_canada(text, verdict)
        elif number in US_SECTIONS:
            _judge_us_section(number, text, verdict)
        elif number != _TCF_SECTION:
            verdict.refuse("gpp_section_unknown")


def _judge_us_privacy(text: str, verdict: _Verdict) -> None:
    try:
        if opt_outs_of_us_privacy(text).any:
            verdict.refuse("us_privacy")
    except UnreadableError:
        verdict.refuse("us_privacy_unreadable")


def _judge_us_section(number: int, text: str, verdict: _Verdict) -> None:
    try:
        opt_outs = opt_outs_of_section(number, text)
    except UnreadableError:
        verdict.refuse("gpp_unreadable")
        return
    if opt_outs.any:
        verdict.refuse("gpp_known_child" if opt_outs.known_child else "gpp_opt_out")


def _judge_canada(text: str, verdict: _Verdict) -> None:
    try:
        allowed = canadian_consents(text)
    except UnreadableError:
        verdict.refuse("gpp_unreadable")
        return
    needed: Sequence[Purpose] = tuple(Purpose)
    if not allowed.issuperset(needed):
        verdict.refuse("tcf_canada")
