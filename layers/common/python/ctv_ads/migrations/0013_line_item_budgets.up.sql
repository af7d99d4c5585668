-- A line item's own budget holds as hard as its campaign's. One that was passed before anybody
-- held it is what was spent.
UPDATE line_items SET budget_micros = billed_micros WHERE billed_micros > budget_micros;
ALTER TABLE line_items ADD CONSTRAINT own_budget_is_a_hard_limit
    CHECK (billed_micros <= budget_micros);
