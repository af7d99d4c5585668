-- Why a message of a queue could not be taken; once it is in the dead-letter queue, why it is there.
CREATE TABLE refused_messages (
    message_id text PRIMARY KEY CHECK (length(message_id) BETWEEN 1 AND 100),
    queue text NOT NULL,
    reason text NOT NULL,
    refused_at timestamptz NOT NULL,
    times integer NOT NULL DEFAULT 1
);
CREATE INDEX refused_messages_by_time ON refused_messages (refused_at);
GRANT SELECT, INSERT, UPDATE (reason, refused_at, times), DELETE ON refused_messages
    TO ctv_pipeline;
