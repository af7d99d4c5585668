-- What a session saw lately, each ad by the event that is paid for: no session sees more than there
-- is time for (domain/traffic_rules.py).
CREATE INDEX ad_events_session ON ad_events (session, received_at)
    WHERE session <> 0 AND event = CASE rate_type WHEN 'cpcv' THEN 'complete' ELSE 'impression' END;

-- Reports tell of invalid traffic: to a viewer who is bound to advertisers, of theirs only.
CREATE POLICY own_advertisers ON invalid_beacons AS RESTRICTIVE TO ctv_api USING (
    (SELECT current_advertisers() IS NULL) OR campaign_id IN (SELECT campaign_id FROM campaigns)
);
