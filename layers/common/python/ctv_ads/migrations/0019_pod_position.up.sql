-- Where in a pod a line item wants to run: the first ad is seen by most.
ALTER TABLE line_items
    ADD COLUMN pod_position text NOT NULL DEFAULT 'any'
        CHECK (pod_position IN ('any', 'first', 'last', 'first_or_last'));
GRANT INSERT (pod_position), UPDATE (pod_position) ON line_items TO ctv_api;
