-- breakStart and breakEnd of whole ad breaks, each once. They belong to a placement, to no line
-- item, and are never billed: how many breaks began tells what no-fills and players left empty.
CREATE TABLE break_events (
    day date NOT NULL,
    decision_id uuid NOT NULL,
    event text NOT NULL,
    organization_id uuid NOT NULL REFERENCES organizations,
    placement_id uuid NOT NULL REFERENCES placements,
    received_at timestamptz NOT NULL,
    vast_error_code smallint,
    PRIMARY KEY (day, decision_id, event)
);
CREATE INDEX break_events_placement ON break_events (placement_id, day);
SELECT separate_tenants('break_events');
GRANT SELECT ON break_events TO ctv_api;
GRANT SELECT, INSERT, DELETE ON break_events TO ctv_pipeline;
