-- Partners' keys. Only the digest of a secret is kept: it has 256 random bits, so it needs neither salt nor stretching.
CREATE TABLE api_keys (
    key_id        uuid PRIMARY KEY,
    name          text NOT NULL CHECK (name <> ''),
    hint          text NOT NULL,
    secret_sha256 bytea NOT NULL UNIQUE CHECK (length(secret_sha256) = 32),
    shop_ids      uuid[] NOT NULL,
    scopes        text[] NOT NULL CHECK (cardinality(scopes) > 0),
    rate_limit    integer NOT NULL CHECK (rate_limit > 0),
    version       bigint NOT NULL CHECK (version > 0),
    create_time   timestamptz NOT NULL,
    revoke_time   timestamptz
);
