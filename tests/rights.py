"""What the API's role may do with each column, and who may call which of the owner's functions."""

from collections.abc import Mapping

from ctv_ads.ports.purge import Leftover

ALL = "*"
_FLIGHT = "starts_at ends_at timezone"
_LINE_ITEM = (
    f"name type priority status rate_type rate_micros budget_micros daily_budget_micros goal_unit"
    f" goal_amount pacing {_FLIGHT} dayparts targeting frequency_caps separation creative_rotation"
    " pod_position"
)
_PLACEMENT = (
    "name app_bundle channel default_break_ms max_ads min_ad_ms max_ad_ms vast_version"
    " floor_cpm_micros blocked_categories blocked_domains trusted_caller"
    " accepted_mimes max_bitrate_kbps max_width_px max_height_px"
)
_SOFT = "name click_through_url universal_ad_id trackers verifications status"
_VERSION = "version updated_at"
_BOOKED = f"name advertiser_id budget_micros cpm_micros {_FLIGHT}"
_ROTATED = "weight sequence starts_at ends_at"

# Table: what is read, what is inserted, what is updated; then whether rows are deleted.
API: Mapping[str, tuple[str, str, str, bool]] = {
    "organizations": (ALL, "organization_id name", "name", False),
    "users": (
        "user_id email name created_at version updated_at password_changed_at email_verified_at",
        "user_id email name password_hash email_verified_at",
        f"name password_hash password_changed_at email_verified_at {_VERSION}",
        False,
    ),
    "memberships": (
        ALL,
        "organization_id user_id role advertiser_ids",
        "role advertiser_ids version",
        True,
    ),
    "sessions": (
        ALL,
        "session_id organization_id user_id user_agent created_at",
        "revoked_at revoked_because",
        False,
    ),
    "refresh_tokens": (
        ALL,
        "token_hash organization_id session_id issued_at expires_at",
        "used_at",
        False,
    ),
    "invitations": (
        (
            "invitation_id organization_id email role advertiser_ids invited_by created_at expires_at"
            " accepted_at deleted_at"
        ),
        (
            "invitation_id organization_id email role advertiser_ids token_hash invited_by created_at"
            " expires_at"
        ),
        "accepted_at deleted_at",
        False,
    ),
    "api_keys": (
        "api_key_id organization_id name role prefix created_by created_at expires_at deleted_at",
        "api_key_id organization_id name role prefix token_hash created_by created_at expires_at",
        "deleted_at",
        False,
    ),
    "api_key_uses": (ALL, "api_key_id organization_id last_used_at", "last_used_at", False),
    "email_tokens": (
        ALL,
        "token_hash organization_id user_id purpose created_at expires_at",
        "used_at",
        False,
    ),
    "idempotency_keys": (
        ALL,
        "organization_id user_id key request_fingerprint",
        "status body headers",
        False,
    ),
    "advertisers": (
        ALL,
        "advertiser_id organization_id name domain product_category",
        f"name domain product_category deleted_at {_VERSION}",
        False,
    ),
    "placements": (
        ALL,
        f"placement_id organization_id key {_PLACEMENT}",
        f"{_PLACEMENT} deleted_at {_VERSION}",
        False,
    ),
    "campaigns": (
        ALL,
        f"campaign_id organization_id created_by {_BOOKED}",
        f"{_BOOKED} status deleted_at {_VERSION}",
        False,
    ),
    "line_items": (
        ALL,
        f"line_item_id organization_id campaign_id is_default {_LINE_ITEM}",
        f"{_LINE_ITEM} deleted_at {_VERSION}",
        False,
    ),
    "creatives": (
        ALL,
        (
            f"creative_id organization_id campaign_id kind filename content_type declared_size_bytes"
            f" tag_url replaces rendition_of created_by {_SOFT}"
        ),
        f"{_SOFT} deleted_at {_VERSION}",
        False,
    ),
    "creative_assignments": (
        ALL,
        f"organization_id campaign_id line_item_id creative_id {_ROTATED}",
        _ROTATED,
        True,
    ),
    "archived_days": ("day dropped_at", "", "", False),
    "break_events": (ALL, "", "", False),
    "invalid_beacons": (ALL, "", "", False),
    **dict.fromkeys(("ledger_entries", "ledger_chains"), (ALL, "", "", False)),
    "delivery_days": (ALL, "", "", False),
    "delivery_hours": (ALL, "", "", False),
    "delivery_errors": (ALL, "", "", False),
    **dict.fromkeys(("delivery_no_fills", "invalid_days", "invalid_hours"), (ALL, "", "", False)),
    "token_buckets": (ALL, "", "", False),
    "line_item_days": (ALL, "", "", False),
    "line_item_delivery": (ALL, "", "", False),
    "audit_events": (ALL, "", "", False),
}
NOTHING = ("", "", "", False)
PRIVILEGES = ("SELECT", "INSERT", "UPDATE")
# Functions that act as the owner, and who may call them; the others are triggers.
OWNERS_FUNCTIONS = {
    "account_by_email": "ctv_api",
    "api_key_by_prefix": "ctv_api",
    "advertisers_named": "ctv_api",
    "campaigns_named": "ctv_api",
    "complete_campaigns": "ctv_pipeline",
    "billed_events": "ctv_api",
    "copy_campaign": "ctv_api",
    "drop_archived_break_day": "ctv_pipeline",
    "drop_archived_day": "ctv_pipeline",
    "email_token_owner": "ctv_api",
    "end_own_sessions": "ctv_api",
    "ensure_ad_event_partitions": "ctv_pipeline",
    "invitation_by_token": "ctv_api",
    "line_items_named": "ctv_api",
    "own_account": "ctv_api",
    "person_by_email": "ctv_api",
    "placements_named": "ctv_api",
    **{f"purge_{kind.value}": "ctv_pipeline" for kind in Leftover},
    "recount_invalid_day": "ctv_pipeline",
    "session_by_token": "ctv_api",
}
