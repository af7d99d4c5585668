DROP TABLE break_events;
