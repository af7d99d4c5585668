-- Members get a version, so that nobody overwrites what they have not seen; members, invitations
-- and keys are listed in pages, each by the order of an index.
ALTER TABLE memberships ADD COLUMN version integer NOT NULL DEFAULT 1 CHECK (version > 0);
GRANT UPDATE (version) ON memberships TO ctv_api;

CREATE INDEX memberships_joined ON memberships (organization_id, created_at, user_id);
CREATE INDEX invitations_newest ON invitations (organization_id, created_at, invitation_id)
    WHERE accepted_at IS NULL AND deleted_at IS NULL;
CREATE INDEX api_keys_newest ON api_keys (organization_id, created_at, api_key_id)
    WHERE deleted_at IS NULL;
DROP INDEX api_keys_organization;
