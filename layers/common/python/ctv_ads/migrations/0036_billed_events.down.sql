REVOKE SELECT (day, dropped_at) ON archived_days FROM ctv_api;
DROP FUNCTION billed_events(uuid, date, date, uuid, smallint, text, integer);
