-- What is held would be forgotten: it is told as invalid, as when it had expired.
UPDATE held_completes SET expires_at = '-infinity';
SELECT purge_held_completes(now(), 2147483647);
DROP FUNCTION purge_held_completes(timestamptz, integer);
DROP TABLE held_completes;
