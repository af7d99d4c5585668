DROP FUNCTION end_own_sessions(text, timestamptz, text);
