-- Invalid traffic, apart from what counts: each beacon once under the rule that found it.
CREATE TABLE invalid_beacons (
    day date NOT NULL,
    decision_id uuid NOT NULL,
    slot smallint NOT NULL,
    event text NOT NULL,
    rule text NOT NULL CHECK (rule IN (
        'expired', 'data_centre', 'crawler', 'replayed', 'impossible_order', 'impossible_rate'
    )),
    organization_id uuid NOT NULL REFERENCES organizations,
    campaign_id uuid NOT NULL,
    line_item_id uuid NOT NULL,
    creative_id uuid NOT NULL,
    placement_id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    client_network text,
    user_agent_class text NOT NULL,
    PRIMARY KEY (day, decision_id, slot, event, rule),
    FOREIGN KEY (organization_id, campaign_id) REFERENCES campaigns (organization_id, campaign_id)
);
CREATE INDEX invalid_beacons_campaign ON invalid_beacons (campaign_id, day);
SELECT separate_tenants('invalid_beacons');

-- A forged beacon names nobody that could be believed, so it is the operator's, no tenant's.
CREATE TABLE forged_beacons (
    message_id text NOT NULL,
    place smallint NOT NULL,
    received_at timestamptz NOT NULL,
    client_network text,
    user_agent_class text NOT NULL,
    PRIMARY KEY (message_id, place)
);
CREATE INDEX forged_beacons_received ON forged_beacons (received_at);

GRANT SELECT ON invalid_beacons TO ctv_api;
GRANT SELECT, INSERT, DELETE ON invalid_beacons, forged_beacons TO ctv_pipeline;
