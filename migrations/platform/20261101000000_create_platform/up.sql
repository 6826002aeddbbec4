-- What every service's database has: the event log, cursors, parked events, sagas, idempotency keys and the audit log.

CREATE TABLE event_log (
    position     bigint PRIMARY KEY,
    event_id     uuid NOT NULL UNIQUE,
    aggregate_id text NOT NULL,
    version      bigint NOT NULL,
    type         text NOT NULL,
    body         bytea NOT NULL,
    shop_id      uuid,
    actor        text NOT NULL,
    traceparent  text NOT NULL,
    causation_id text,
    origin       text,
    create_time  timestamptz NOT NULL,
    UNIQUE (aggregate_id, version)
) WITH (
    fillfactor = 100,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000
);

-- One row. The epoch changes when the log is recreated or restored, so that old cursors are noticed.
CREATE TABLE event_stream (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch   uuid NOT NULL DEFAULT gen_random_uuid(),
    trimmed bigint NOT NULL DEFAULT 0
);
INSERT INTO event_stream DEFAULT VALUES;

-- Numbers the events of a transaction under the log's lock; must be its last statement. Positions are contiguous and
-- follow commit order, because the lock is held until the commit.
CREATE FUNCTION append_events(
    event_ids uuid[], aggregate_ids text[], versions bigint[], types text[], bodies bytea[], shop_ids uuid[],
    actors text[], traceparents text[], causation_ids text[], origins text[], create_times timestamptz[]
) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    last bigint;
BEGIN
    IF cardinality(event_ids) = 0 THEN
        RETURN 0;
    END IF;
    PERFORM pg_advisory_xact_lock(7001); -- a statement of its own: what follows sees a fresh snapshot
    SELECT coalesce(max(position), 0) INTO last FROM event_log;
    INSERT INTO event_log (position, event_id, aggregate_id, version, type, body, shop_id, actor, traceparent,
                           causation_id, origin, create_time)
    SELECT last + u.ordinal, u.event_id, u.aggregate_id, u.version, u.type, u.body, u.shop_id, u.actor, u.traceparent,
           u.causation_id, u.origin, u.create_time
    FROM unnest(event_ids, aggregate_ids, versions, types, bodies, shop_ids, actors, traceparents, causation_ids,
                origins, create_times)
         WITH ORDINALITY AS u (event_id, aggregate_id, version, type, body, shop_id, actor, traceparent, causation_id,
                               origin, create_time, ordinal)
    ORDER BY u.ordinal;
    RETURN last + cardinality(event_ids);
END
$$;

-- How far each consumer of this database has applied each producer's log.
CREATE TABLE event_cursors (
    consumer    text PRIMARY KEY,
    producer    text NOT NULL,
    epoch       text NOT NULL,
    position    bigint NOT NULL,
    update_time timestamptz NOT NULL
);

-- Events that could not be applied, and their aggregates' later events, which wait behind them. `next_try_time` is null
-- once the tries are used up: then an operator must replay.
CREATE TABLE parked_events (
    consumer     text NOT NULL,
    position     bigint NOT NULL,
    event_id     uuid NOT NULL,
    aggregate_id text NOT NULL,
    event        bytea NOT NULL,
    tries        integer NOT NULL,
    error        text NOT NULL,
    park_time    timestamptz NOT NULL,
    next_try_time timestamptz,
    PRIMARY KEY (consumer, position)
);
CREATE INDEX parked_events_aggregate ON parked_events (consumer, aggregate_id);

-- Durable processes. A row is leased by the process that runs it; an expired lease is taken over.
CREATE TABLE sagas (
    saga_id      uuid PRIMARY KEY,
    kind         text NOT NULL,
    state        text NOT NULL CHECK (state IN ('running', 'unwinding', 'done', 'undone')),
    input        bytea NOT NULL,
    refusal      bytea,
    actor        text NOT NULL,
    traceparent  text NOT NULL,
    attempts     integer NOT NULL DEFAULT 0,
    lease_until  timestamptz NOT NULL,
    create_time  timestamptz NOT NULL,
    finish_time  timestamptz
);
CREATE INDEX sagas_open ON sagas (lease_until) WHERE state IN ('running', 'unwinding');

-- First outcomes of keyed calls, replayed for 48 hours.
CREATE TABLE idempotency_keys (
    scope       text NOT NULL,
    method      text NOT NULL,
    key         text NOT NULL,
    fingerprint bytea NOT NULL,
    response    bytea,
    resource_id text,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (scope, method, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (create_time);

-- Who did what, when, old and new. Rows are only ever added.
CREATE TABLE audit_log (
    sequence    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    change_time timestamptz NOT NULL,
    actor       text NOT NULL,
    action      text NOT NULL,
    resource_id text NOT NULL,
    shop_id     uuid,
    changes     jsonb NOT NULL,
    trace_id    text NOT NULL
);
CREATE INDEX audit_log_resource ON audit_log (resource_id, sequence);

-- The personal values behind the digests in `audit_log.changes`. Erasing a person deletes these rows.
CREATE TABLE audit_personal (
    person_id text NOT NULL,
    digest    text NOT NULL,
    value     text NOT NULL,
    PRIMARY KEY (person_id, digest)
);
