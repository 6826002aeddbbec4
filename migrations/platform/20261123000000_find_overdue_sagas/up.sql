-- Sagas of a kind whose process gave no sign of life, the longest first; locked for who asks.
--
-- Every saga that has ended leaves an entry behind in the index of open ones until the table is vacuumed. A bitmap scan
-- looks all of them up again every time; a plain scan looks once and marks them. Under load that is a hundredfold.
CREATE FUNCTION overdue_sagas(kind text, at_most bigint) RETURNS SETOF uuid
    LANGUAGE sql VOLATILE ROWS 1 SET enable_bitmapscan = off SET enable_seqscan = off
AS $$
    SELECT s.saga_id FROM sagas AS s
    WHERE s.state IN ('running', 'unwinding') AND s.kind = overdue_sagas.kind AND s.lease_until < statement_timestamp()
    ORDER BY s.lease_until LIMIT at_most FOR UPDATE SKIP LOCKED
$$;
