CREATE INDEX api_keys_organization ON api_keys (organization_id, api_key_id DESC)
    WHERE deleted_at IS NULL;
DROP INDEX api_keys_newest;
DROP INDEX invitations_newest;
DROP INDEX memberships_joined;
ALTER TABLE memberships DROP COLUMN version;
