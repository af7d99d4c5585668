"""What signals allow together, and which malformed ones are refusals."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctv_ads.domain.ad_request import Privacy
from ctv_ads.domain.privacy.bits import MAX_CHARACTERS, UnreadableError, bits_of
from ctv_ads.domain.privacy.gpp import gpp_sections
from ctv_ads.domain.privacy.tcf import canadian_consents, consent_string
from ctv_ads.domain.privacy.verdict import SIGNALS, PrivacyRules, privacy_of
from tests.unit.domain.privacy.consent_strings import (
    a_consent_string,
    a_gpp_string,
    a_section,
)

VENDOR = 10
RULES = PrivacyRules()
OURS = PrivacyRules(tcf_vendor_id=VENDOR)
ALL = (True, True, True, True)
COUNTED = (True, True, False, False)
NOTHING = (False, False, False, False)
BASIC = (1, 2, 4, 7)


def allowed(privacy: Privacy) -> tuple[bool, ...]:
    return (
        privacy.may_use_device_id,
        privacy.may_use_household,
        privacy.may_personalize,
        privacy.may_forward,
    )


def with_consent(text: str, rules: PrivacyRules = RULES) -> Privacy:
    return privacy_of({"gdpr_consent": text}, country="AT", ifa=None, rules=rules)


@pytest.mark.parametrize(
    ("purposes", "interests", "may"),
    [
        (BASIC, (), ALL),
        ((1, 2, 4), (), (True, True, True, False)),
        ((1, 2, 7), (), COUNTED),
        ((1, 2), (), COUNTED),
        ((1,), (2, 7), COUNTED),
        ((1, 4), (2, 7), ALL),
        ((1, 2), (4,), COUNTED),
        ((2, 4, 7), (), NOTHING),
        ((2, 4, 7), (1,), NOTHING),
        ((1, 4, 7), (), NOTHING),
        ((), (1, 2, 4, 7), NOTHING),
    ],
)
def test_purposes_decide_by_consent_or_by_interests_that_exist(
    purposes: tuple[int, ...], interests: tuple[int, ...], may: tuple[bool, ...]
) -> None:
    privacy = with_consent(a_consent_string(purposes=purposes, interests=interests))
    assert allowed(privacy) == may
    assert privacy.refusals == (() if may == ALL else ("tcf",))


@pytest.mark.parametrize("as_ranges", [False, True], ids=["bits", "ranges"])
@pytest.mark.parametrize(
    ("vendors", "vendor_interests", "may"),
    [
        ((VENDOR,), (), ALL),
        ((VENDOR, VENDOR + 1, 40), (), ALL),
        ((4, 5, VENDOR), (), ALL),
        ((4, VENDOR + 2), (), NOTHING),
        ((), (), NOTHING),
        ((), (VENDOR,), NOTHING),
    ],
)
def test_a_named_vendor_needs_consent_of_its_own(
    vendors: tuple[int, ...],
    vendor_interests: tuple[int, ...],
    may: tuple[bool, ...],
    as_ranges: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    text = a_consent_string(
        purposes=BASIC,
        interests=BASIC,
        vendors=vendors,
        vendor_interests=vendor_interests,
        as_ranges=as_ranges,
    )
    assert allowed(with_consent(text, OURS)) == may
    assert allowed(with_consent(text)) == ALL


@pytest.mark.parametrize(
    ("restrictions", "may"),
    [
        ({}, ALL),
        ({(2, 0): (VENDOR,)}, NOTHING),
        ({(2, 0): (VENDOR - 1,)}, ALL),
        ({(4, 0): (VENDOR - 1, VENDOR)}, COUNTED),
        ({(7, 0): (VENDOR,)}, (True, True, True, False)),
        ({(2, 1): (VENDOR,)}, NOTHING),
        ({(2, 2): (VENDOR,)}, ALL),
        ({(7, 2): (VENDOR,)}, (True, True, True, False)),
        ({(7, 1): (VENDOR,), (7, 0): (VENDOR,)}, (True, True, True, False)),
    ],
    ids=str,
)
def test_publishers_may_restrict_a_vendor(
    restrictions: dict[tuple[int, int], tuple[int, ...]], may: tuple[bool, ...]
) -> None:
    text = a_consent_string(
        purposes=(1, 4, 7),
        interests=(2,),
        vendors=(VENDOR,),
        vendor_interests=(VENDOR,),
        restrictions=restrictions,
    )
    assert allowed(with_consent(text, OURS)) == may


@pytest.mark.parametrize(
    "text",
    [
        a_consent_string(version=1, purposes=BASIC),
        a_consent_string(version=3, purposes=BASIC),
        a_consent_string(purposes=BASIC)[:36],
        a_consent_string(purposes=BASIC, vendors=(900,))[:60],
        a_consent_string(purposes=BASIC, vendors=(7, 300, 400, 900), as_ranges=True)[:45],
        "C" * (MAX_CHARACTERS + 1),
        "=",
        "ÄÖÜ",
        "C C",
    ],
)
def test_a_broken_consent_string_is_a_refusal(text: str) -> None:
    with pytest.raises(UnreadableError):
        consent_string(text)
    privacy = with_consent(text)
    assert allowed(privacy) == NOTHING
    assert privacy.refusals == ("tcf_unreadable",)


def test_lists_of_vendors_that_end_too_early_refuse_a_named_vendor() -> None:
    whole = a_consent_string(purposes=BASIC, vendors=(VENDOR,), vendor_interests=(900,))
    assert allowed(with_consent(whole[:45], OURS)) == NOTHING
    assert with_consent(whole[:45], OURS).refusals == ("tcf_unreadable",)


def test_vendor_zero_is_nobody() -> None:
    assert not consent_string(a_consent_string(vendors=(1, 2))).vendor_consents(0)


@pytest.mark.parametrize("padding", ["", "=", "=="])
def test_padding_makes_no_difference(padding: str) -> None:
    assert allowed(with_consent(a_consent_string(purposes=BASIC) + padding)) == ALL


def test_the_older_alphabet_is_read_too() -> None:
    assert bits_of("-_") == bits_of("+/")


def test_bits_end_where_the_text_ends() -> None:
    assert bits_of("/").number(0, 6) == 63
    with pytest.raises(UnreadableError):
        bits_of("/").number(0, 7)


@pytest.mark.parametrize(
    ("section", "text", "refusals"),
    [
        (5, "A" * 40, ("gpp_unreadable",)),
        (5, "B" + "A" * 20, ("gpp_unreadable",)),
        (5, "B" + "A" * 40, ("tcf_canada",)),
        (13, "BAAAAAAA", ()),
        (13, "CAAAAAAA", ("gpp_unreadable",)),
    ],
)
def test_sections_beyond_those_of_the_kit(
    section: int, text: str, refusals: tuple[str, ...]
) -> None:
    signals = {"gpp": a_gpp_string({section: text})}
    privacy = privacy_of(signals, country="US", ifa=None, rules=RULES)
    assert privacy.refusals == refusals


def test_a_section_that_nobody_here_knows_is_a_refusal() -> None:
    signals = {"gpp": a_gpp_string({6: "1YNN", 24: "BAAA"})}
    privacy = privacy_of(signals, country="US", ifa=None, rules=RULES)
    assert privacy.refusals == ("gpp_section_unknown",)


def test_a_known_child_is_named_as_the_reason() -> None:
    virginia = a_section("000001" + "0" * 26 + "01")
    privacy = privacy_of({"gpp": a_gpp_string({9: virginia})}, country="US", ifa=None, rules=RULES)
    assert privacy.refusals == ("gpp_known_child",)


def test_a_header_may_not_name_more_sections_than_exist() -> None:
    one_to_ninety = "1" + "11" + "010001010" + "11"
    header = a_section(f"{3:06b}{1:06b}{1:012b}{one_to_ninety}")
    with pytest.raises(UnreadableError, match="more sections"):
        gpp_sections(header)


def test_a_header_may_name_sections_as_a_group() -> None:
    seven_to_nine = "1" + "01011" + "011"
    header = a_section(f"{3:06b}{1:06b}{1:012b}{seven_to_nine}")
    assert gpp_sections(f"{header}~a~b~c") == {7: "a", 8: "b", 9: "c"}


@pytest.mark.parametrize(
    ("country", "signals", "refusals"),
    [
        ("US", {}, ("no_signal",)),
        (None, {}, ("no_signal",)),
        ("US", {"us_privacy": "1YNN"}, ()),
        ("US", {"gdpr": "0"}, ()),
    ],
)
def test_everywhere_means_unknown_countries_too(
    country: str | None, signals: dict[str, str], refusals: tuple[str, ...]
) -> None:
    rules = PrivacyRules(opt_in_countries=frozenset({"*"}))
    assert privacy_of(signals, country=country, ifa=None, rules=rules).refusals == refusals


def test_where_people_opt_in_silence_is_no_consent() -> None:
    privacy = privacy_of({}, country="AT", ifa=None, rules=RULES)
    assert allowed(privacy) == NOTHING
    assert privacy.refusals == ("no_signal",)


def test_nowhere_leaves_silence_to_mean_consent() -> None:
    rules = PrivacyRules(opt_in_countries=frozenset())
    assert allowed(privacy_of({}, country="DE", ifa=None, rules=rules)) == ALL


def test_a_signal_that_repeats_another_is_named_once() -> None:
    signals = {"us_privacy": "1YYN", "gpp": a_gpp_string({6: "1YYN"})}
    privacy = privacy_of(signals, country="US", ifa=None, rules=RULES)
    assert privacy.refusals == ("us_privacy",)


def test_canada_of_another_version_is_unreadable() -> None:
    with pytest.raises(UnreadableError):
        canadian_consents("C" + "A" * 40)


NAMED = st.sampled_from(SIGNALS)
TEXTS = st.one_of(
    st.text(max_size=80),
    st.text(string.ascii_letters + string.digits + "-_.~=", max_size=80),
    st.sampled_from(["0", "1", "DBABLA~BAAqAAAAAgA.QA", "1YNN", a_consent_string(purposes=BASIC)]),
)


@settings(deadline=None)
@given(signals=st.dictionaries(NAMED, TEXTS), ifa=st.none() | st.text(max_size=20))
def test_no_signals_whatever_raise_or_allow_more_than_silence(
    signals: dict[str, str], ifa: str | None
) -> None:
    privacy = privacy_of(signals, country=None, ifa=ifa, rules=RULES)
    assert set(privacy.signals) == set(signals)
    assert (allowed(privacy) == ALL) or privacy.refusals


@settings(deadline=None)
@given(signals=st.dictionaries(NAMED.filter("gdpr".__ne__), TEXTS), broken=TEXTS)
def test_another_signal_never_allows_what_was_refused(signals: dict[str, str], broken: str) -> None:
    before = privacy_of({"us_privacy": broken}, country=None, ifa=None, rules=RULES)
    after = privacy_of(signals | {"us_privacy": broken}, country=None, ifa=None, rules=RULES)
    for was, now in zip(allowed(before), allowed(after), strict=True):
        assert was or not now


CANADA = a_section(f"{1:06b}" + "0" * 145 + "1101001" + "0" * 60)


@pytest.mark.parametrize(
    ("signals", "refusals"),
    [
        ({"gpp": a_gpp_string({5: CANADA})}, ()),
        ({"gpp": a_gpp_string({2: a_consent_string(purposes=BASIC), 6: "1YNN"})}, ()),
        ({"gpp": a_gpp_string({6: "1YNN"}) + "~1YNN"}, ("gpp_unreadable",)),
        ({"gpp": a_gpp_string({6: "1YNN"}), "gpp_sid": "six"}, ("gpp_unreadable",)),
        ({"gpp_sid": "12345"}, ("gpp_unreadable",)),
        ({"gpp_sid": "7"}, ("gpp_section_missing",)),
        ({"gpp": a_gpp_string({6: "1YYN", 7: "B"}), "gpp_sid": "6"}, ("us_privacy",)),
    ],
    ids=str,
)
def test_of_a_gpp_string_those_sections_count_that_apply(
    signals: dict[str, str], refusals: tuple[str, ...]
) -> None:
    privacy = privacy_of(signals, country="US", ifa=None, rules=RULES)
    assert privacy.refusals == refusals
