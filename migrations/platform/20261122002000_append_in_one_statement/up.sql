-- Numbers the events of a transaction under the log's lock; must be its last statement. Positions are contiguous and
-- follow commit order, because the lock is held until the commit. Answers the last position (null for no events) and which
-- log that is, so that who has appended knows what readers would be told of it.
--
-- `append_events` did the same with more statements; it stays for processes of the release before.
CREATE FUNCTION append_to_event_log(
    event_ids uuid[], aggregate_ids text[], versions bigint[], types text[], bodies bytea[], shop_ids uuid[],
    actors text[], traceparents text[], causation_ids text[], origins text[], create_time timestamptz,
    OUT last_position bigint, OUT log_epoch uuid, OUT log_trimmed bigint
) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF cardinality(event_ids) = 0 THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(7001); -- a statement of its own: what follows sees a fresh snapshot
    WITH log AS (
        SELECT s.epoch, s.trimmed, coalesce((SELECT max(e.position) FROM event_log AS e), s.trimmed) AS last
        FROM event_stream AS s
    ), appended AS (
        INSERT INTO event_log (position, event_id, aggregate_id, version, type, body, shop_id, actor, traceparent,
                               causation_id, origin, create_time)
        SELECT log.last + u.ordinal, u.event_id, u.aggregate_id, u.version, u.type, u.body, u.shop_id, u.actor,
               u.traceparent, u.causation_id, u.origin, append_to_event_log.create_time
        FROM log,
             unnest(event_ids, aggregate_ids, versions, types, bodies, shop_ids, actors, traceparents, causation_ids,
                    origins)
             WITH ORDINALITY AS u (event_id, aggregate_id, version, type, body, shop_id, actor, traceparent,
                                   causation_id, origin, ordinal)
        ORDER BY u.ordinal
    )
    SELECT log.last + cardinality(event_ids), log.epoch, log.trimmed
    INTO last_position, log_epoch, log_trimmed
    FROM log;
END
$$;
