-- When the pacing controller looks at a line item again that its pace allows nothing before.
ALTER TABLE line_item_delivery ADD COLUMN next_look_at timestamptz;
GRANT UPDATE (next_look_at) ON line_item_delivery TO ctv_pipeline;
