"""Statements that read what may serve (`inventory_source.py`)."""

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('inventory publishers'))"
CLOCK = "SELECT clock_timestamp() AS built_at"
PLACEMENTS = """
SELECT placement_id, organization_id, key, app_bundle, channel, default_break_ms, max_ads,
       min_ad_ms, max_ad_ms, vast_version, floor_cpm_micros, blocked_categories, blocked_domains,
       accepted_mimes, max_bitrate_kbps, max_width_px, max_height_px, trusted_caller
FROM placements WHERE deleted_at IS NULL"""

# Caps that count other line items' views too, by advertiser.
_SHARED_CAPS = """(
    SELECT sc.advertiser_id, jsonb_agg(jsonb_build_object(
               'campaign_id', s.campaign_id, 'caps', s.frequency_caps
           ) ORDER BY s.line_item_id) AS caps
    FROM line_items s JOIN campaigns sc USING (organization_id, campaign_id)
    WHERE s.frequency_caps @? '$[*] ? (@.scope != "line_item")'
      AND s.deleted_at IS NULL AND sc.deleted_at IS NULL
      AND s.status = 'active' AND sc.status = 'active'
    GROUP BY sc.advertiser_id
)"""
_SERVABLE = f"""
FROM line_items l
JOIN campaigns c USING (organization_id, campaign_id)
JOIN advertisers a USING (organization_id, advertiser_id)
LEFT JOIN {_SHARED_CAPS} shared ON shared.advertiser_id = a.advertiser_id
LEFT JOIN line_item_delivery v ON v.line_item_id = l.line_item_id
WHERE c.status = 'active' AND c.deleted_at IS NULL AND l.deleted_at IS NULL
  AND l.status = 'active' AND least(l.ends_at, c.ends_at) > %(now)s
  AND greatest(l.starts_at, c.starts_at) < least(l.ends_at, c.ends_at)
  -- What cannot pay one more impression would only be passed over.
  AND (l.rate_type <> 'cpm' OR l.type = 'house'
       OR c.budget_micros - c.billed_micros >= coalesce(l.rate_micros, c.cpm_micros) / 1000)"""

_LINE_ITEM = """
    l.type, l.priority, l.rate_type, l.rate_micros, c.cpm_micros, l.goal_unit, l.goal_amount,
    l.pacing, l.dayparts, l.targeting, l.frequency_caps, l.separation, l.creative_rotation,
    l.pod_position, c.campaign_id, a.advertiser_id, shared.caps AS shared_caps"""
# How much of what is due the pacing controller saw missing.
_URGENCY = "coalesce(v.urgency, 0)"
_FLIGHT = """
    greatest(l.starts_at, c.starts_at) AS starts_at, least(l.ends_at, c.ends_at) AS ends_at,
    coalesce(l.timezone, c.timezone) AS timezone"""
_ADVERTISER = """
    a.name AS advertiser_name, a.domain AS advertiser_domain, a.product_category AS category"""
LINE_ITEMS = f"""
SELECT l.line_item_id, l.organization_id, c.budget_micros - c.billed_micros AS remaining_micros,
    {_URGENCY} AS urgency,{_LINE_ITEM},{_FLIGHT},{_ADVERTISER}{_SERVABLE}
  AND (%(line_items)s::uuid[] IS NULL OR l.line_item_id = ANY(%(line_items)s))
  AND (%(organizations)s::uuid[] IS NULL OR l.organization_id = ANY(%(organizations)s))"""

_FILM = """
    r.creative_id, r.name, r.facts, r.media_key, r.media_sha256, r.click_through_url,
    r.universal_ad_id, r.trackers, r.verifications, r.tag_url, r.rendition_of"""
_READY = "r.status = 'ready' AND r.deleted_at IS NULL"
CREATIVES = f"""
SELECT r.campaign_id,{_FILM} FROM creatives r
WHERE {_READY} AND r.campaign_id = ANY(%(campaigns)s) ORDER BY r.creative_id"""  # noqa: S608 - made of constants
ASSIGNMENTS = """
SELECT line_item_id, creative_id, weight, sequence, starts_at, ends_at
FROM creative_assignments WHERE campaign_id = ANY(%(campaigns)s) ORDER BY creative_id"""
COMPLETIONS = """
SELECT line_item_id, creative_id, impressions, completes FROM measured_completions
WHERE campaign_id = ANY(%(campaigns)s)"""

# Everything that is published of a line item, in one number. An assignment is part of it until
# its window is over; one that is yet to begin is published with its window. The last four bits are
# the urgency, which is weighed otherwise (`decisioning/segments/changes.py`).
MARKS = f"""
WITH films AS (
    SELECT r.campaign_id, sum(hash_record_extended(ROW({_FILM}), 0)) AS mark
    FROM creatives r WHERE {_READY} GROUP BY r.campaign_id HAVING bool_or(r.rendition_of IS NULL)
), uses AS (
    SELECT line_item_id, sum(hash_record_extended(
        ROW(creative_id, weight, sequence, starts_at, ends_at, coalesce(ends_at > %(now)s, true)), 0
    )) AS mark
    FROM creative_assignments GROUP BY line_item_id
), seen AS (
    SELECT line_item_id, sum(hash_record_extended(ROW(creative_id, impressions, completes), 0)) AS mark
    FROM measured_completions GROUP BY line_item_id
)
SELECT marked.organization_id::text, marked.line_item_id::text, (hash_record_extended(
    ROW(marked.mark, films.mark, uses.mark, seen.mark), 0) & ~15::bigint) | marked.urgency
FROM (
    SELECT l.line_item_id, l.organization_id, l.campaign_id, {_URGENCY} AS urgency,
        hash_record_extended(
        ROW({_LINE_ITEM.removesuffix(" AS shared_caps")}, l.starts_at, c.starts_at, l.ends_at, c.ends_at, l.timezone, c.timezone,
            a.name, a.domain, a.product_category), 0) AS mark{_SERVABLE}
) marked
JOIN films USING (campaign_id)
LEFT JOIN uses USING (line_item_id)
LEFT JOIN seen USING (line_item_id)"""  # noqa: S608 - made of constants
