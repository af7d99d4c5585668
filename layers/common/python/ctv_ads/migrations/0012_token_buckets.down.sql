DROP FUNCTION bill_by_bucket(integer[], uuid[], bigint[], bigint[], timestamptz[]);
DROP AGGREGATE affords(bigint, bigint);
DROP FUNCTION was_afforded(bigint[]);
DROP FUNCTION afford_next(bigint[], bigint, bigint);
DROP TABLE line_item_delivery;
DROP TABLE line_item_days;
DROP TABLE token_buckets;
