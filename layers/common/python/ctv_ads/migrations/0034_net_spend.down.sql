-- Counts stay net: counting a day anew makes them what they were.
DROP FUNCTION return_daily_spend(uuid, date, bigint, bigint);
