DROP FUNCTION line_items_named(uuid, text);
DROP FUNCTION placements_named(text);
DROP FUNCTION advertisers_named(text);
DROP INDEX line_items_by_words, placements_by_words, advertisers_by_words;
