-- The same answer as before. A function in SQL is planned anew by every statement that calls it, and this one is called
-- all the time.
CREATE OR REPLACE FUNCTION overdue_sagas(kind text, at_most bigint) RETURNS SETOF uuid
    LANGUAGE plpgsql VOLATILE ROWS 1 SET enable_bitmapscan = off SET enable_seqscan = off
AS $$
BEGIN
    RETURN QUERY
        SELECT s.saga_id FROM sagas AS s
        WHERE s.state IN ('running', 'unwinding') AND s.kind = overdue_sagas.kind AND s.lease_until < statement_timestamp()
        ORDER BY s.lease_until LIMIT at_most FOR UPDATE SKIP LOCKED;
END
$$;
