ALTER TABLE delivery_days ADD CONSTRAINT delivery_days_organization_id_fkey
    FOREIGN KEY (organization_id) REFERENCES organizations;
ALTER TABLE delivery_hours ADD CONSTRAINT delivery_hours_organization_id_fkey
    FOREIGN KEY (organization_id) REFERENCES organizations;
ALTER TABLE delivery_errors ADD CONSTRAINT delivery_errors_organization_id_fkey
    FOREIGN KEY (organization_id) REFERENCES organizations;
