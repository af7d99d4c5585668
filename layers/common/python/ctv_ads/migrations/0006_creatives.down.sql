REVOKE INSERT, DELETE ON creative_assignments FROM ctv_pipeline;
REVOKE UPDATE (version) ON creatives FROM ctv_pipeline;
REVOKE UPDATE (name, click_through_url, universal_ad_id, trackers, verifications, version)
    ON creatives FROM ctv_api;
DROP INDEX creatives_replaces;
DROP INDEX creatives_same_file;
ALTER TABLE creatives
    DROP CONSTRAINT ready_means_measured,
    DROP CONSTRAINT a_tag_or_a_file,
    DROP COLUMN replaces;
-- Tags have no place in the older schema.
DELETE FROM creative_assignments
    WHERE creative_id IN (SELECT creative_id FROM creatives WHERE kind = 'vast_tag');
DELETE FROM creatives WHERE kind = 'vast_tag';
ALTER TABLE creatives
    ALTER COLUMN declared_size_bytes SET NOT NULL,
    ALTER COLUMN content_type SET NOT NULL,
    ALTER COLUMN filename SET NOT NULL,
    DROP COLUMN verifications,
    DROP COLUMN trackers,
    DROP COLUMN universal_ad_id,
    DROP COLUMN tag_url,
    DROP COLUMN kind,
    ADD CONSTRAINT ready_means_measured CHECK (
        status <> 'ready' OR (facts IS NOT NULL AND media_sha256 IS NOT NULL AND media_key IS NOT NULL)
    );
