-- A rendition is a creative of its own that never rotates: its file is offered beside its film's.
ALTER TABLE creatives
    ADD COLUMN rendition_of uuid REFERENCES creatives,
    ADD CONSTRAINT renditions_are_files CHECK (
        rendition_of IS NULL OR (kind = 'video' AND replaces IS NULL)
    );
CREATE INDEX creatives_rendition_of ON creatives (rendition_of) WHERE rendition_of IS NOT NULL;
GRANT INSERT (rendition_of) ON creatives TO ctv_api;

-- As before, but a copied rendition belongs to the copy of its film.
CREATE OR REPLACE FUNCTION copy_campaign(original uuid, copy_name text, made_at timestamptz) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    made uuid := uuidv7();
    fresh jsonb := jsonb_build_object(
        'campaign_id', made, 'version', 1, 'created_at', made_at, 'updated_at', made_at
    );
    own jsonb := fresh || jsonb_build_object('created_by', current_setting('app.user_id'));
    items uuid[];
    copied_items uuid[];
    films uuid[];
    copied_films uuid[];
BEGIN
    INSERT INTO campaigns
    SELECT copy.* FROM campaigns c
    CROSS JOIN LATERAL jsonb_populate_record(c, own || jsonb_build_object(
        'name', copy_name, 'status', 'draft', 'billed_micros', 0
    )) AS copy
    WHERE c.campaign_id = original AND c.organization_id = current_organization()
      AND c.deleted_at IS NULL;
    IF NOT FOUND THEN RETURN NULL; END IF;

    items := ARRAY(
        SELECT line_item_id FROM line_items
        WHERE campaign_id = original AND deleted_at IS NULL ORDER BY line_item_id
    );
    copied_items := ARRAY(SELECT uuidv7() FROM unnest(items));
    INSERT INTO line_items
    SELECT copy.* FROM unnest(items, copied_items) AS pair (old_id, new_id)
    JOIN line_items l ON l.line_item_id = pair.old_id
    CROSS JOIN LATERAL jsonb_populate_record(l, fresh || jsonb_build_object(
        'line_item_id', pair.new_id, 'billed_micros', 0
    )) AS copy;

    films := ARRAY(
        SELECT r.creative_id FROM creatives r
        LEFT JOIN creatives film ON film.creative_id = r.rendition_of
        WHERE r.campaign_id = original AND r.status = 'ready' AND r.deleted_at IS NULL
          AND (r.rendition_of IS NULL OR (film.status = 'ready' AND film.deleted_at IS NULL))
        ORDER BY r.creative_id
    );
    copied_films := ARRAY(SELECT uuidv7() FROM unnest(films));
    INSERT INTO creatives
    SELECT copy.* FROM unnest(films, copied_films) AS pair (old_id, new_id)
    JOIN creatives r ON r.creative_id = pair.old_id
    LEFT JOIN unnest(films, copied_films) AS film (old_id, new_id) ON film.old_id = r.rendition_of
    CROSS JOIN LATERAL jsonb_populate_record(r, own || jsonb_build_object(
        'creative_id', pair.new_id, 'replaces', NULL, 'rendition_of', film.new_id
    )) AS copy;

    INSERT INTO creative_assignments
    SELECT copy.* FROM creative_assignments a
    JOIN unnest(items, copied_items) AS item (old_id, new_id) ON item.old_id = a.line_item_id
    JOIN unnest(films, copied_films) AS film (old_id, new_id) ON film.old_id = a.creative_id
    CROSS JOIN LATERAL jsonb_populate_record(a, jsonb_build_object(
        'campaign_id', made, 'line_item_id', item.new_id, 'creative_id', film.new_id
    )) AS copy;
    RETURN made;
END $$;
