-- What a row of impressions costs, one after the other, each billed only if it still fits: an
-- impression that does not fit leaves the budget to cheaper ones behind it.
CREATE FUNCTION spend_if_affordable(spent bigint, price_micros bigint, budget_micros bigint)
    RETURNS bigint
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT CASE WHEN spent + price_micros <= budget_micros
                      THEN spent + price_micros ELSE spent END $$;

CREATE AGGREGATE affordable_sum(price_micros bigint, budget_micros bigint) (
    SFUNC = spend_if_affordable, STYPE = bigint, INITCOND = '0'
);
