ALTER TABLE idempotency_keys DROP COLUMN headers;
DROP FUNCTION complete_campaigns(timestamptz);
DROP INDEX audit_events_by_request, audit_events_by_actor, audit_events_by_time;
DROP FUNCTION campaigns_named(text);
DROP INDEX campaigns_by_words, campaigns_by_advertiser, campaigns_by_status, campaigns_by_budget,
    campaigns_by_end, campaigns_by_start, campaigns_by_name, campaigns_by_creation;
DROP EXTENSION btree_gin;
DROP EXTENSION pg_trgm;
