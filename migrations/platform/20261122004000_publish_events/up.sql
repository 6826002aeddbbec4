-- How far this log was published to a broker, by the name of the stream there.
CREATE TABLE event_publications (
    stream      text PRIMARY KEY,
    position    bigint NOT NULL,
    update_time timestamptz NOT NULL
);
