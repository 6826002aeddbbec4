-- Secrets that were replaced and still work for a while, so that nobody is shut out by the change.
CREATE TABLE retired_secrets (
    secret_sha256 bytea PRIMARY KEY CHECK (length(secret_sha256) = 32),
    key_id        uuid NOT NULL REFERENCES api_keys,
    expire_time   timestamptz NOT NULL
);
CREATE INDEX retired_secrets_key ON retired_secrets (key_id, expire_time);
