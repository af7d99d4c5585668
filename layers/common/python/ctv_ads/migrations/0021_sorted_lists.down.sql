DROP INDEX placements_by_creation, placements_by_key, placements_by_name,
    advertisers_by_creation, advertisers_by_name;
