-- The billed events of an advertiser, in the order of their key, for whoever may see its books: nothing
-- of a viewer is among them. `credited_batch` is empty unless the event was credited.
CREATE FUNCTION billed_events(
    whose uuid, first_day date, last_day date, after_decision uuid, after_slot smallint,
    after_event text, most integer
) RETURNS TABLE (
    day date, decision_id uuid, slot smallint, event text, line_item_id uuid, rate_type text,
    bucket bigint, price_micros bigint, billed_micros bigint, batch bigint, credited_batch bigint,
    decided_at timestamptz, received_at timestamptz
)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT e.day, e.decision_id, e.slot, e.event, e.line_item_id, e.rate_type, e.bucket,
           e.price_micros, e.billed_micros, e.batch, r.batch, e.decided_at, e.received_at
    FROM ad_events e
    LEFT JOIN credited_events r USING (day, decision_id, slot, event)
    WHERE e.day BETWEEN $2 AND $3
      AND (e.day > $2 OR (e.decision_id, e.slot, e.event) > ($4, $5, $6))
      AND e.billed_micros > 0
      AND e.line_item_id IN (
          SELECT l.line_item_id FROM line_items l JOIN campaigns c USING (campaign_id)
          WHERE c.advertiser_id = $1 AND c.organization_id = current_organization()
            AND (current_advertisers() IS NULL OR c.advertiser_id = ANY (current_advertisers()))
      )
    ORDER BY e.day, e.decision_id, e.slot, e.event LIMIT $7
    $$;
REVOKE ALL ON FUNCTION billed_events(uuid, date, date, uuid, smallint, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION billed_events(uuid, date, date, uuid, smallint, text, integer) TO ctv_api;

-- Which days are no longer here is no secret.
GRANT SELECT (day, dropped_at) ON archived_days TO ctv_api;
