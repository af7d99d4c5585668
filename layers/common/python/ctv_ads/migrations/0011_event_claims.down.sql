ALTER TABLE ad_events
    DROP COLUMN rate_type,
    DROP COLUMN bucket,
    DROP COLUMN country,
    DROP COLUMN device_type,
    DROP COLUMN session;
