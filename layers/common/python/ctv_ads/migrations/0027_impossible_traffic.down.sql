DROP POLICY own_advertisers ON invalid_beacons;
DROP INDEX ad_events_session;
