ALTER TABLE line_items DROP CONSTRAINT own_budget_is_a_hard_limit;
