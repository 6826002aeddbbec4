-- Of several processes of this service one is on duty. One row: whoever updates it holds the duty until then, by the database's clock.
CREATE TABLE duty (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    holder uuid NOT NULL,
    held_until timestamptz NOT NULL
);
INSERT INTO duty (holder, held_until) VALUES ('00000000-0000-0000-0000-000000000000', '-infinity');
