DROP FUNCTION purge_decision_counts(timestamptz, integer);
DROP FUNCTION purge_forged_beacons(timestamptz, integer);
DROP FUNCTION purge_invalid_beacons(timestamptz, integer);
REVOKE DELETE ON delivery_hours, delivery_days, delivery_errors FROM ctv_pipeline;
DROP FUNCTION drop_archived_day(date);
DROP TABLE archived_days;
