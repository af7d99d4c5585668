-- Creatives: what may change after the upload (trackers, verification, Ad-ID), replacements,
-- third-party VAST tags, duplicates by media hash.

ALTER TABLE creatives
    ADD COLUMN kind text NOT NULL DEFAULT 'video'
        CONSTRAINT creatives_kind CHECK (kind IN ('video', 'vast_tag')),
    ADD COLUMN tag_url text,
    ADD COLUMN universal_ad_id jsonb,
    ADD COLUMN trackers jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN verifications jsonb NOT NULL DEFAULT '[]',
    -- Whose place it takes once it is ready.
    ADD COLUMN replaces uuid REFERENCES creatives,
    ALTER COLUMN filename DROP NOT NULL,
    ALTER COLUMN content_type DROP NOT NULL,
    ALTER COLUMN declared_size_bytes DROP NOT NULL,
    ADD CONSTRAINT a_tag_or_a_file CHECK (
        CASE kind
            WHEN 'vast_tag' THEN tag_url IS NOT NULL AND media_key IS NULL
            ELSE tag_url IS NULL AND filename IS NOT NULL AND content_type IS NOT NULL
                 AND declared_size_bytes IS NOT NULL
        END
    ),
    DROP CONSTRAINT ready_means_measured,
    ADD CONSTRAINT ready_means_measured CHECK (
        status <> 'ready' OR (
            facts IS NOT NULL
            AND (kind = 'vast_tag' OR (media_sha256 IS NOT NULL AND media_key IS NOT NULL))
        )
    );
CREATE INDEX creatives_same_file ON creatives (organization_id, media_sha256, creative_id)
    WHERE status = 'ready' AND deleted_at IS NULL;
CREATE INDEX creatives_replaces ON creatives (replaces) WHERE replaces IS NOT NULL;

GRANT UPDATE (name, click_through_url, universal_ad_id, trackers, verifications, version)
    ON creatives TO ctv_api;
GRANT UPDATE (version) ON creatives TO ctv_pipeline;
-- Whoever takes a creative's place takes its assignments.
GRANT INSERT, DELETE ON creative_assignments TO ctv_pipeline;
