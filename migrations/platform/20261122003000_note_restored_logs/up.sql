-- Where the log ended when it got its epoch because it was restored to an earlier moment; null: it never was. What consumers
-- have read up to there is in this log, too, so that is where they go on.
ALTER TABLE event_stream ADD COLUMN epoch_position bigint;
