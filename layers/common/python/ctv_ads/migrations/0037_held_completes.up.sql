-- Completes that would be paid for and of whose ad nothing has begun yet: no order is promised, so
-- the impression may still come. Then they are recorded; when their token is over, they are invalid.
CREATE TABLE held_completes (
    day date NOT NULL,
    decision_id uuid NOT NULL,
    slot smallint NOT NULL,
    expires_at timestamptz NOT NULL,
    -- As it came through the queue (adapters/aws/beacon_form.py).
    beacon jsonb NOT NULL,
    PRIMARY KEY (day, decision_id, slot)
);
CREATE INDEX held_completes_expire ON held_completes (expires_at);
GRANT SELECT, INSERT, DELETE ON held_completes TO ctv_pipeline;

-- The trigger of `invalid_beacons` counts what goes there.
CREATE FUNCTION purge_held_completes(over_before timestamptz, most integer) RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    WITH gone AS (
        DELETE FROM held_completes WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM held_completes WHERE expires_at < least($1, clock_timestamp())
            ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )) RETURNING day, decision_id, slot, beacon
    ), kept AS (
        INSERT INTO invalid_beacons (
            day, decision_id, slot, event, rule, organization_id, campaign_id, line_item_id,
            creative_id, placement_id, received_at, client_network, user_agent_class, decided_at,
            country, device_type
        )
        SELECT g.day, g.decision_id, g.slot, 'complete', 'impossible_order', l.organization_id,
               l.campaign_id, l.line_item_id, (g.beacon->>'creative_id')::uuid,
               (g.beacon->>'placement_id')::uuid, (g.beacon->>'received_at')::timestamptz,
               g.beacon->>'client_network', g.beacon->>'user_agent_class',
               (g.beacon->>'decided_at')::timestamptz, g.beacon->>'country',
               g.beacon->>'device_type'
        FROM gone g JOIN line_items l ON l.line_item_id = (g.beacon->>'line_item_id')::uuid
        ORDER BY g.day, g.decision_id, g.slot
        ON CONFLICT DO NOTHING
    )
    SELECT count(*) FROM gone
    $$;
REVOKE ALL ON FUNCTION purge_held_completes(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purge_held_completes(timestamptz, integer) TO ctv_pipeline;
