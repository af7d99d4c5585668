from ctv_ads.domain.campaign import (
    DEFAULT_PRIORITY_BY_TYPE,
    NEXT_STATUSES,
    CampaignStatus,
    LineItemType,
)

DRAFT, ACTIVE, PAUSED, COMPLETED, ARCHIVED = CampaignStatus
ALLOWED = {
    (DRAFT, ACTIVE),
    (DRAFT, ARCHIVED),
    (ACTIVE, PAUSED),
    (ACTIVE, COMPLETED),
    (PAUSED, ACTIVE),
    (PAUSED, COMPLETED),
    (PAUSED, ARCHIVED),
    (COMPLETED, ARCHIVED),
}


def test_statuses_follow_one_another_as_listed_and_never_otherwise() -> None:
    assert {(a, b) for a in CampaignStatus for b in NEXT_STATUSES[a]} == ALLOWED


def test_nothing_leads_back_to_a_draft_or_out_of_the_archive() -> None:
    assert not any(DRAFT in following for following in NEXT_STATUSES.values())
    assert NEXT_STATUSES[ARCHIVED] == frozenset()


def test_every_type_has_a_priority_of_the_scale() -> None:
    assert set(DEFAULT_PRIORITY_BY_TYPE) == set(LineItemType)
    assert all(1 <= priority <= 16 for priority in DEFAULT_PRIORITY_BY_TYPE.values())
