DROP TABLE measured_completions;
