-- Every index of the two tables that every change writes is written with every change.

-- Nobody looks an event up by its id: consumers go by position, and what is parked keeps its own row.
ALTER TABLE event_log DROP CONSTRAINT event_log_event_id_key;

-- History is read per resource, and the sequence is unique by itself.
ALTER TABLE audit_log DROP CONSTRAINT audit_log_pkey;
DROP INDEX audit_log_resource;
ALTER TABLE audit_log ADD PRIMARY KEY (resource_id, sequence);

-- Keys are only ever deleted by age, the oldest first, as they came.
DROP INDEX idempotency_keys_age;
CREATE INDEX idempotency_keys_age ON idempotency_keys USING brin (create_time) WITH (pages_per_range = 16, autosummarize = on);
