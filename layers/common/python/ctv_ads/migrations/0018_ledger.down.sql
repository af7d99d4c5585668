DROP TABLE credited_events;
DROP TABLE ledger_chains;
DROP FUNCTION ledger_line(ledger_entries);
DROP TABLE ledger_entries;
DROP FUNCTION chain_ledger_entry();
DROP FUNCTION refuse_change();
DROP FUNCTION event_line(uuid, smallint, text, bigint);
ALTER TABLE ad_events DROP COLUMN batch;
DROP SEQUENCE recording_batches;
