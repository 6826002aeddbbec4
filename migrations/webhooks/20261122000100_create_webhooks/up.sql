-- Endpoints of partners, their places in the logs, and what is sent to them.

CREATE TABLE webhook_endpoints (
    endpoint_id       uuid PRIMARY KEY,
    url               text NOT NULL,
    title             text NOT NULL,
    -- Told of every shop; otherwise of `shop_ids`, and of the organisation if there are none.
    all_shops         boolean NOT NULL,
    shop_ids          uuid[] NOT NULL,
    event_types       text[] NOT NULL CHECK (cardinality(event_types) BETWEEN 1 AND 100),
    except_key_ids    uuid[] NOT NULL,
    made_by           text NOT NULL,
    -- Sealed. The previous one signs, too, until `grace_expire_time`.
    secret            bytea NOT NULL,
    previous_secret   bytea,
    grace_expire_time timestamptz,
    state             text NOT NULL CHECK (state IN ('enabled', 'disabled', 'deleted')),
    disable_cause     text NOT NULL DEFAULT '',
    disable_time      timestamptz,
    version           bigint NOT NULL,
    create_time       timestamptz NOT NULL,
    -- How it fares; changes with what is sent and leaves the version alone.
    failing_since     timestamptz,
    failed_rounds     integer NOT NULL DEFAULT 0,
    retry_time        timestamptz,
    last_failure      text NOT NULL DEFAULT '',
    last_success_time timestamptz,
    CHECK ((state = 'enabled') = (disable_cause = '')),
    CHECK ((previous_secret IS NULL) = (grace_expire_time IS NULL))
);
CREATE INDEX webhook_endpoints_key ON webhook_endpoints (made_by) WHERE state <> 'deleted';

-- How far the events of each stream were queued for an endpoint.
CREATE TABLE webhook_places (
    endpoint_id uuid NOT NULL REFERENCES webhook_endpoints,
    stream      text NOT NULL,
    epoch       text NOT NULL,
    position    bigint NOT NULL,
    PRIMARY KEY (endpoint_id, stream)
);
CREATE INDEX webhook_places_stream ON webhook_places (stream);

-- What is sent, once for all endpoints that get it.
CREATE TABLE webhook_messages (
    event_id    uuid PRIMARY KEY,
    body        bytea NOT NULL,
    create_time timestamptz NOT NULL
);
CREATE INDEX webhook_messages_age ON webhook_messages USING brin (create_time);

-- One event to one endpoint. The sequence keeps the order of a resource's events.
CREATE TABLE webhook_deliveries (
    delivery_id        uuid PRIMARY KEY,
    sequence           bigint GENERATED ALWAYS AS IDENTITY,
    endpoint_id        uuid NOT NULL REFERENCES webhook_endpoints,
    event_id           uuid NOT NULL,
    type               text NOT NULL,
    shop_id            uuid,
    resource_id        text NOT NULL,
    replayed           boolean NOT NULL,
    state              text NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts           integer NOT NULL DEFAULT 0,
    first_attempt_time timestamptz,
    next_attempt_time  timestamptz,
    last_status_code   integer NOT NULL DEFAULT 0,
    last_failure       text NOT NULL DEFAULT '',
    create_time        timestamptz NOT NULL,
    finish_time        timestamptz,
    CHECK ((state = 'pending') = (finish_time IS NULL)),
    CHECK ((state = 'pending') = (next_attempt_time IS NOT NULL))
);
CREATE INDEX webhook_deliveries_endpoint ON webhook_deliveries (endpoint_id, sequence);
CREATE INDEX webhook_deliveries_event ON webhook_deliveries (event_id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, next_attempt_time, sequence) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_order ON webhook_deliveries (endpoint_id, resource_id, sequence) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (endpoint_id, sequence) WHERE state = 'dead';
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (finish_time) WHERE state <> 'pending';

CREATE TABLE webhook_attempts (
    delivery_id uuid NOT NULL REFERENCES webhook_deliveries ON DELETE CASCADE,
    attempt     integer NOT NULL,
    start_time  timestamptz NOT NULL,
    duration_ms integer NOT NULL,
    status_code integer NOT NULL,
    failure     text NOT NULL,
    PRIMARY KEY (delivery_id, attempt)
);

-- Spans of the past that are queued anew: up to `end_position` of a stream, of events told between the two times.
CREATE TABLE webhook_replays (
    replay_id    uuid NOT NULL,
    endpoint_id  uuid NOT NULL REFERENCES webhook_endpoints,
    stream       text NOT NULL,
    epoch        text NOT NULL,
    position     bigint NOT NULL,
    end_position bigint NOT NULL,
    start_time   timestamptz NOT NULL,
    end_time     timestamptz NOT NULL,
    PRIMARY KEY (replay_id, stream)
);
CREATE INDEX webhook_replays_stream ON webhook_replays (stream);
