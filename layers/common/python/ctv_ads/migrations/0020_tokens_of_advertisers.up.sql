-- Whoever is bound to some advertisers sees their tokens, days and delivery only.
CREATE POLICY own_advertisers ON token_buckets AS RESTRICTIVE TO ctv_api USING (
    (SELECT current_advertisers() IS NULL) OR campaign_id IN (SELECT campaign_id FROM campaigns)
);
CREATE POLICY own_advertisers ON line_item_days AS RESTRICTIVE TO ctv_api USING (
    (SELECT current_advertisers() IS NULL) OR campaign_id IN (SELECT campaign_id FROM campaigns)
);
CREATE POLICY own_advertisers ON line_item_delivery AS RESTRICTIVE TO ctv_api USING (
    (SELECT current_advertisers() IS NULL) OR campaign_id IN (SELECT campaign_id FROM campaigns)
);
