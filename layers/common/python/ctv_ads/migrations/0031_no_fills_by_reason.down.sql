DROP INDEX delivery_hours_of_requests, delivery_days_of_requests;
DROP TABLE delivery_no_fills;
