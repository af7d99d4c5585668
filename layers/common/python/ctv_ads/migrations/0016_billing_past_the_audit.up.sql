-- Billing is no change for the audit, and finding that out by comparing whole rows took longer
-- than billing. Who bills may write billed_micros and nothing else, and nobody else may write it:
-- an update that changes it changes nothing that the audit keeps.
DROP TRIGGER audit ON campaigns;
CREATE TRIGGER audit AFTER INSERT OR DELETE ON campaigns
    FOR EACH ROW EXECUTE FUNCTION audit('campaign', 'campaign_id');
CREATE TRIGGER audit_changes AFTER UPDATE ON campaigns
    FOR EACH ROW WHEN (OLD.billed_micros = NEW.billed_micros)
    EXECUTE FUNCTION audit('campaign', 'campaign_id');
DROP TRIGGER audit ON line_items;
CREATE TRIGGER audit AFTER INSERT OR DELETE ON line_items
    FOR EACH ROW EXECUTE FUNCTION audit('line_item', 'line_item_id');
CREATE TRIGGER audit_changes AFTER UPDATE ON line_items
    FOR EACH ROW WHEN (OLD.billed_micros = NEW.billed_micros)
    EXECUTE FUNCTION audit('line_item', 'line_item_id');

-- Bill_by_bucket has taken their place.
DROP AGGREGATE affordable_sum(bigint, bigint);
DROP FUNCTION spend_if_affordable(bigint, bigint, bigint);
