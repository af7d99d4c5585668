"""The product on PostgreSQL, ready to be asked through ports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.beacon_ledger import PostgresBeaconLedger
from ctv_ads.adapters.postgres.creative_validation import PostgresCreativeValidation
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.inventory_source import PostgresInventorySource
from ctv_ads.adapters.postgres.store import PostgresStores
from ctv_ads.domain.campaign import Campaign, CampaignDraft, CampaignStatus
from ctv_ads.domain.creative import Creative, CreativeDraft, media_key
from ctv_ads.domain.ids import CampaignId, CreativeId, LineItemId
from ctv_ads.domain.listing import ListQuery
from ctv_ads.ports.control_plane import NewCampaignIds, Store, Stores
from ctv_ads.ports.pipeline import BeaconLedger, InventorySource
from ctv_ads.ports.uploads import CreativeValidation
from tests.builders import (
    NOON,
    Tenant,
    a_campaign_draft,
    a_creative_draft,
    a_tenant,
    media_facts,
)

MEDIA_BASE_URL = "https://media.example.com"


@dataclass(slots=True)
class World:
    """The adapters on PostgreSQL, by the roles that the functions have, and what tests arrange."""

    stores: Stores
    ledger: BeaconLedger
    source: InventorySource
    validation: CreativeValidation
    schema: "Schema"
    api: Database
    pipeline: Database

    def add(self, tenant: Tenant) -> None:
        account = tenant.account
        values = {
            "organization_id": tenant.organization_id,
            "organization_name": account.organization_name,
            "user_id": account.user_id,
            "email": account.email,
            "name": account.name,
            "password_hash": account.password_hash,
            "role": account.role.value,
            "advertiser_id": tenant.advertiser_id,
            "advertiser_name": tenant.advertiser_name,
            "placement_id": tenant.placement_id,
            "placement_key": tenant.placement_key,
        }
        with psycopg.connect(self.schema.owner_dsn) as connection:
            for statement in _ADD_TENANT:
                connection.execute(statement, values)

    def close(self) -> None:
        self.api.close()
        self.pipeline.close()

    def a_tenant(self, *, email: str | None = None) -> Tenant:
        tenant = a_tenant(email=email)
        self.add(tenant)
        return tenant

    def a_campaign(self, tenant: Tenant, draft: CampaignDraft | None = None) -> Campaign:
        ids = NewCampaignIds(CampaignId(new_id()), LineItemId(new_id()))
        with self.stores.transaction(tenant.caller) as store:
            return store.campaigns.add(draft or a_campaign_draft(), ids, tenant.caller)

    def a_creative(self, tenant: Tenant, draft: CreativeDraft) -> Creative:
        with self.stores.transaction(tenant.caller) as store:
            return store.creatives.add(draft, CreativeId(new_id()), tenant.caller)

    def a_ready_creative(self, tenant: Tenant, campaign_id: CampaignId) -> Creative:
        creative = self.a_creative(tenant, a_creative_draft(campaign_id))
        self.make_ready(creative)
        with self.stores.transaction(tenant.caller) as store:
            return store.creatives.get(creative.creative_id)

    def make_ready(self, creative: Creative) -> None:
        self.validation.start(creative.creative_id)
        key = media_key(creative.creative_id)
        assert self.validation.accept(creative.creative_id, media_facts(), media_key=key, now=NOON)

    def set_status(self, tenant: Tenant, campaign: Campaign, status: CampaignStatus) -> None:
        with self.stores.transaction(tenant.caller) as store:
            store.campaigns.set_status(campaign.campaign_id, status, NOON)

    def a_serving_campaign(self, tenant: Tenant, draft: CampaignDraft | None = None) -> Campaign:
        campaign = self.a_campaign(tenant, draft)
        self.a_ready_creative(tenant, campaign.campaign_id)
        self.set_status(tenant, campaign, CampaignStatus.ACTIVE)
        return self.campaign(tenant, campaign.campaign_id)

    def campaign(self, tenant: Tenant, campaign_id: CampaignId) -> Campaign:
        with self.stores.transaction(tenant.caller) as store:
            return store.campaigns.get(campaign_id)


def creatives_of(store: Store, campaign_id: CampaignId) -> Sequence[Creative]:
    """Return the campaign's creatives, oldest first."""
    wanted = ListQuery(limit=200, sort="created_at", filters={"campaign_id": campaign_id})
    return store.creatives.page(wanted).items


@dataclass(frozen=True, slots=True)
class Schema:
    """A migrated database and how each of its roles connects."""

    owner_dsn: str
    api_secret: Mapping[str, str]
    pipeline_secret: Mapping[str, str]


_ADD_TENANT = (
    (
        "INSERT INTO organizations (organization_id, name)"
        " VALUES (%(organization_id)s, %(organization_name)s)"
    ),
    (
        "INSERT INTO users (user_id, email, name, password_hash, email_verified_at)"
        " VALUES (%(user_id)s, %(email)s, %(name)s, %(password_hash)s, now())"
    ),
    (
        "INSERT INTO memberships (organization_id, user_id, role)"
        " VALUES (%(organization_id)s, %(user_id)s, %(role)s)"
    ),
    (
        "INSERT INTO advertisers (advertiser_id, organization_id, name)"
        " VALUES (%(advertiser_id)s, %(organization_id)s, %(advertiser_name)s)"
    ),
    (
        "INSERT INTO placements (placement_id, organization_id, key, name)"
        " VALUES (%(placement_id)s, %(organization_id)s, %(placement_key)s, 'Pre-roll')"
    ),
)


def postgres_world(schema: Schema) -> World:
    api, pipeline = Database(schema.api_secret), Database(schema.pipeline_secret)
    return World(
        stores=PostgresStores(api),
        ledger=PostgresBeaconLedger(pipeline),
        source=PostgresInventorySource(pipeline, MEDIA_BASE_URL),
        validation=PostgresCreativeValidation(pipeline),
        schema=schema,
        api=api,
        pipeline=pipeline,
    )
