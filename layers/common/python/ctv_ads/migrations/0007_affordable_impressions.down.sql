DROP AGGREGATE affordable_sum(bigint, bigint);
DROP FUNCTION spend_if_affordable(bigint, bigint, bigint);
