"""`ports.Stores`: one organization's data, in transactions."""

from datetime import timedelta

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.accounts import PostgresAccounts
from ctv_ads.domain.campaign import CampaignStatus
from ctv_ads.domain.creative import CreativeStatus
from ctv_ads.domain.ids import AdvertiserId, CampaignId, UserId
from ctv_ads.domain.listing import ListQuery
from ctv_ads.domain.statistics import DeliveryCounts
from ctv_ads.errors import InvalidRequestError, NotFoundError
from tests.builders import NOON, a_beacon, a_campaign_draft, a_creative_draft, some_claims
from tests.worlds import World, creatives_of


class StoresContract:
    """Every implementation of `Stores` keeps these promises."""

    def test_a_new_campaign_is_a_draft_with_one_default_line_item(self, world: World) -> None:
        tenant = world.a_tenant()
        draft = a_campaign_draft(advertiser_id=tenant.advertiser_id)
        campaign = world.a_campaign(tenant, draft)
        assert campaign == world.campaign(tenant, campaign.campaign_id)
        assert campaign.status is CampaignStatus.DRAFT
        assert (campaign.billed_micros, campaign.version, campaign.currency) == (0, 1, "USD")
        assert campaign.advertiser_name == tenant.advertiser_name
        (line_item,) = campaign.line_items
        assert line_item.is_default
        assert line_item.rate_micros is None

    def test_a_campaign_keeps_its_name_and_flight_to_the_microsecond(self, world: World) -> None:
        tenant = world.a_tenant()
        draft = a_campaign_draft(
            name="Ü & <\"]]>'> 😀 עברית", starts_at=NOON + timedelta(microseconds=1)
        )
        campaign = world.a_campaign(tenant, draft)
        assert (campaign.name, campaign.starts_at, campaign.ends_at) == (
            draft.name,
            draft.starts_at,
            draft.ends_at,
        )

    def test_without_an_advertiser_it_is_the_first_one(self, world: World) -> None:
        tenant = world.a_tenant()
        assert world.a_campaign(tenant).advertiser_id == tenant.advertiser_id

    def test_an_unknown_advertiser_is_refused_by_its_field(self, world: World) -> None:
        tenant = world.a_tenant()
        with pytest.raises(InvalidRequestError) as refused:
            world.a_campaign(tenant, a_campaign_draft(advertiser_id=AdvertiserId(new_id())))
        assert [(p.path, p.code) for p in refused.value.problems] == [("advertiser_id", "unknown")]

    def test_another_tenants_advertiser_is_as_unknown(self, world: World) -> None:
        tenant, other = world.a_tenant(), world.a_tenant()
        with pytest.raises(InvalidRequestError) as refused:
            world.a_campaign(tenant, a_campaign_draft(advertiser_id=other.advertiser_id))
        assert refused.value.problems[0].code == "unknown"

    def test_a_campaign_that_is_not_there_is_not_found(self, world: World) -> None:
        with pytest.raises(NotFoundError):
            world.campaign(world.a_tenant(), CampaignId(new_id()))

    def test_a_new_status_counts_the_version_up(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = world.a_campaign(tenant)
        world.set_status(tenant, campaign, CampaignStatus.ARCHIVED)
        changed = world.campaign(tenant, campaign.campaign_id)
        assert (changed.status, changed.version, changed.updated_at) == (
            CampaignStatus.ARCHIVED,
            2,
            NOON,
        )

    def test_a_deleted_campaign_is_gone_with_its_creatives(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = world.a_campaign(tenant)
        creative = world.a_ready_creative(tenant, campaign.campaign_id)
        with world.stores.transaction(tenant.caller) as store:
            store.campaigns.delete(campaign.campaign_id, NOON)
            assert store.campaigns.ready_creatives(campaign.campaign_id) == 0
            assert store.campaign_lists.page(EVERYTHING).items == ()
            with pytest.raises(NotFoundError):
                store.campaigns.get(campaign.campaign_id)
            with pytest.raises(NotFoundError):
                store.creatives.get(creative.creative_id)

    def test_only_ready_creatives_are_counted(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign_id = world.a_campaign(tenant).campaign_id
        world.a_creative(tenant, a_creative_draft(campaign_id))
        deleted = world.a_ready_creative(tenant, campaign_id)
        world.a_ready_creative(tenant, campaign_id)
        with world.stores.transaction(tenant.caller) as store:
            assert store.campaigns.ready_creatives(campaign_id) == 2
            store.creatives.delete(deleted.creative_id, NOON)
            assert store.campaigns.ready_creatives(campaign_id) == 1

    def test_a_new_creative_waits_for_its_upload(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = world.a_campaign(tenant)
        draft = a_creative_draft(campaign.campaign_id, click_through_url="https://a.example/?a&b")
        creative = world.a_creative(tenant, draft)
        assert creative.status is CreativeStatus.UPLOADING
        assert (creative.facts, creative.media_key, creative.rejections) == (None, None, ())
        assert creative.declared_size_bytes == draft.size_bytes
        assert creative.click_through_url == draft.click_through_url
        assert creative.advertiser_id == campaign.advertiser_id

    def test_creatives_of_a_campaign_come_oldest_first(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign_id = world.a_campaign(tenant).campaign_id
        made = [world.a_creative(tenant, a_creative_draft(campaign_id)) for _ in range(3)]
        world.a_creative(tenant, a_creative_draft(world.a_campaign(tenant).campaign_id))
        with world.stores.transaction(tenant.caller) as store:
            assert list(creatives_of(store, campaign_id)) == made

    def test_nothing_of_a_block_that_raises_stays(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = world.a_campaign(tenant)
        creative = world.a_ready_creative(tenant, campaign.campaign_id)

        def change_all_and_fail() -> None:
            with world.stores.transaction(tenant.caller) as store:
                store.campaigns.delete(campaign.campaign_id, NOON)
                raise RuntimeError("in the middle")

        with pytest.raises(RuntimeError, match="in the middle"):
            change_all_and_fail()
        with world.stores.transaction(tenant.caller) as store:
            assert store.campaigns.get(campaign.campaign_id) == campaign
            assert store.creatives.get(creative.creative_id) == creative

    def test_tenants_never_see_each_other(self, world: World) -> None:
        mine, other = world.a_tenant(), world.a_tenant()
        campaign = world.a_campaign(other)
        creative = world.a_ready_creative(other, campaign.campaign_id)
        with world.stores.transaction(mine.caller) as store:
            assert store.campaign_lists.page(EVERYTHING).items == ()
            assert store.campaigns.ready_creatives(campaign.campaign_id) == 0
            assert list(creatives_of(store, campaign.campaign_id)) == []
            assert store.accounts.find(other.caller.user_id, other.organization_id) is None
            assert store.accounts.find(other.caller.user_id, mine.organization_id) is None
            with pytest.raises(NotFoundError):
                store.campaigns.get(campaign.campaign_id)
            with pytest.raises(NotFoundError):
                store.creatives.get(creative.creative_id)
            with pytest.raises(NotFoundError):
                store.statistics.of_campaign(campaign.campaign_id, first_day=None, last_day=None)


class AccountsContract:
    """Every implementation of `Accounts` keeps these promises."""

    def test_people_are_found_by_email_in_any_letter_case(self, world: World) -> None:
        email = f"ada.{new_id()}@example.com"
        tenant = world.a_tenant(email=email)
        with world.stores.sign_in() as accounts:
            assert accounts.find_by_email(email.upper()) == tenant.account

    def test_an_unknown_email_finds_nobody(self, world: World) -> None:
        with world.stores.sign_in() as accounts:
            assert accounts.find_by_email("nobody@example.com") is None

    def test_members_are_found_within_their_organization(self, world: World) -> None:
        tenant = world.a_tenant()
        with world.stores.transaction(tenant.caller) as store:
            found = store.accounts.find(tenant.caller.user_id, tenant.organization_id)
            nobody = store.accounts.find(UserId(new_id()), tenant.organization_id)
        assert found == tenant.account
        assert nobody is None

    def test_signing_in_sees_nobody_but_by_email(self, world: World) -> None:
        tenant = world.a_tenant()
        with world.api.transaction() as connection:
            accounts = PostgresAccounts(connection)
            assert accounts.find(tenant.caller.user_id, tenant.organization_id) is None


class StatisticsContract:
    """Every implementation of `Statistics` keeps these promises."""

    def test_a_campaign_without_events_has_zeros_as_of_its_making(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = world.a_campaign(tenant)
        with world.stores.transaction(tenant.caller) as store:
            found = store.statistics.of_campaign(
                campaign.campaign_id, first_day=None, last_day=None
            )
        assert (found.totals.impressions, found.totals.spend_micros, found.series) == (0, 0, ())
        assert found.remaining_micros == campaign.budget_micros
        assert found.data_as_of == campaign.created_at

    def test_days_are_those_of_the_decision_and_can_be_narrowed(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = world.a_serving_campaign(tenant)
        line_item_id = campaign.line_items[0].line_item_id
        days = [NOON + timedelta(days=offset) for offset in range(3)]
        world.ledger.record(
            [a_beacon(some_claims(decided_at=day, line_item_id=line_item_id)) for day in days]
        )
        with world.stores.transaction(tenant.caller) as store:
            of_campaign = store.statistics.of_campaign
            whole = of_campaign(campaign.campaign_id, first_day=None, last_day=None)
            middle = of_campaign(
                campaign.campaign_id, first_day=days[1].date(), last_day=days[1].date()
            )
            none = of_campaign(
                campaign.campaign_id, first_day=days[2].date(), last_day=days[0].date()
            )
        assert [day.day for day in whole.series] == [day.date() for day in days]
        assert [day.day for day in middle.series] == [days[1].date()]
        assert (middle.totals.impressions, middle.totals.spend_micros) == (1, 20_000)
        assert middle.billed_micros == whole.totals.spend_micros == 60_000
        assert none.totals == DeliveryCounts()


EVERYTHING = ListQuery(limit=9, sort="name")


class TestPostgresStores(StoresContract, AccountsContract, StatisticsContract):
    @pytest.fixture
    def world(self, postgres_of_session: World) -> World:
        return postgres_of_session
