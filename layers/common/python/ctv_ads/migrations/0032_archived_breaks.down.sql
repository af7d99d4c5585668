GRANT DELETE ON break_events TO ctv_pipeline;
DROP FUNCTION drop_archived_break_day(date);
DROP TABLE archived_break_days;
