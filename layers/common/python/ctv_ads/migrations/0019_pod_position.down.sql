ALTER TABLE line_items DROP COLUMN pod_position;
