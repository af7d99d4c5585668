DROP TRIGGER audit ON campaigns;
DROP TRIGGER audit_changes ON campaigns;
SELECT audit_table('campaigns', 'campaign', 'campaign_id');
DROP TRIGGER audit ON line_items;
DROP TRIGGER audit_changes ON line_items;
SELECT audit_table('line_items', 'line_item', 'line_item_id');

CREATE FUNCTION spend_if_affordable(spent bigint, price_micros bigint, budget_micros bigint)
    RETURNS bigint
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT CASE WHEN spent + price_micros <= budget_micros
                      THEN spent + price_micros ELSE spent END $$;

CREATE AGGREGATE affordable_sum(price_micros bigint, budget_micros bigint) (
    SFUNC = spend_if_affordable, STYPE = bigint, INITCOND = '0'
);
