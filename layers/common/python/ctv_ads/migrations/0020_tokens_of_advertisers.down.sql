DROP POLICY own_advertisers ON line_item_delivery;
DROP POLICY own_advertisers ON line_item_days;
DROP POLICY own_advertisers ON token_buckets;
