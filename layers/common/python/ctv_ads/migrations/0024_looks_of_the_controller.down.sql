ALTER TABLE line_item_delivery DROP COLUMN next_look_at;
