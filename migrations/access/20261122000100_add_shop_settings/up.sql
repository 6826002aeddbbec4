-- What a shop decides about its orders beyond stock. The defaults keep what shops did before they could say.
ALTER TABLE shops
    ADD COLUMN pay_by_minutes      integer NOT NULL DEFAULT 0 CHECK (pay_by_minutes BETWEEN 0 AND 43200),
    ADD COLUMN split_allowed       boolean NOT NULL DEFAULT true,
    ADD COLUMN quote_minutes       integer NOT NULL DEFAULT 30 CHECK (quote_minutes BETWEEN 1 AND 1440),
    -- By state and then by language.
    ADD COLUMN public_status_names jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(public_status_names) = 'object'),
    ADD COLUMN page_url            text NOT NULL DEFAULT '';
