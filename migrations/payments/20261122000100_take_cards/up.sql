-- Card payments: attempts through providers, refunds that take their time, accounts, notifications, fiscal receipts.

ALTER TABLE payments
    DROP CONSTRAINT payments_method_check,
    DROP CONSTRAINT payments_state_check,
    ADD CONSTRAINT payments_method_check CHECK (method IN ('cash_on_delivery', 'bank_transfer', 'card')),
    ADD CONSTRAINT payments_state_check CHECK (state IN ('requires_payment', 'requires_action', 'processing', 'authorized',
                                                         'partially_paid', 'succeeded', 'canceled')),
    -- What it was opened with; null while that is the amount.
    ADD COLUMN opened_amount   bigint CHECK (opened_amount >= 0),
    ADD COLUMN amount_revision integer NOT NULL DEFAULT 0 CHECK (amount_revision >= 0),
    -- Reserved or taken by card.
    ADD COLUMN authorized      bigint NOT NULL DEFAULT 0 CHECK (authorized >= 0),
    ADD COLUMN receipt_lines   text NOT NULL DEFAULT '[]',
    -- Where the buyer's receipts go.
    ADD COLUMN contact_sealed  bytea,
    ADD CONSTRAINT cards_take_what_is_authorized CHECK (method <> 'card' OR captured <= authorized);

ALTER TABLE payment_attempts
    DROP CONSTRAINT payment_attempts_outcome_check,
    ADD CONSTRAINT payment_attempts_outcome_check CHECK (outcome IN ('unknown', 'requires_action', 'processing', 'authorized',
                                                                     'succeeded', 'failed', 'released', 'returned')),
    -- Null when people moved the money.
    ADD COLUMN account_id     uuid,
    ADD COLUMN automatic      boolean NOT NULL DEFAULT false,
    ADD COLUMN captured       bigint NOT NULL DEFAULT 0 CHECK (captured >= 0 AND captured <= amount),
    -- What is asked of the provider and not confirmed yet.
    ADD COLUMN wanted         text NOT NULL DEFAULT '' CHECK (wanted IN ('', 'capture', 'release')),
    ADD COLUMN wanted_amount  bigint NOT NULL DEFAULT 0 CHECK (wanted_amount >= 0),
    ADD COLUMN redirect_url   text NOT NULL DEFAULT '',
    ADD COLUMN failure_code   text NOT NULL DEFAULT '',
    -- The buyer's token and where to return to, until the provider has answered.
    ADD COLUMN request_sealed bytea,
    ADD COLUMN asks           integer NOT NULL DEFAULT 0,
    -- When the provider is asked next; null once nothing can change any more.
    ADD COLUMN next_ask_time  timestamptz;
UPDATE payment_attempts SET captured = amount WHERE outcome = 'succeeded';
ALTER TABLE payment_attempts ADD CONSTRAINT what_succeeded_took CHECK ((outcome = 'succeeded') = (captured > 0));
CREATE UNIQUE INDEX one_capture_per_card_payment ON payment_attempts (payment_id)
    WHERE account_id IS NOT NULL AND outcome = 'succeeded';
CREATE UNIQUE INDEX one_live_attempt_per_payment ON payment_attempts (payment_id)
    WHERE account_id IS NOT NULL AND outcome IN ('unknown', 'requires_action', 'processing', 'authorized');
CREATE INDEX payment_attempts_due ON payment_attempts (next_ask_time) WHERE next_ask_time IS NOT NULL;
CREATE INDEX payment_attempts_reference ON payment_attempts (account_id, reference) WHERE account_id IS NOT NULL;

ALTER TABLE refunds
    ADD COLUMN state         text NOT NULL DEFAULT 'succeeded' CHECK (state IN ('pending', 'succeeded', 'failed')),
    -- The charge it is of; null when people pay it out.
    ADD COLUMN attempt_id    uuid REFERENCES payment_attempts,
    ADD COLUMN reference     text NOT NULL DEFAULT '',
    ADD COLUMN failure_code  text NOT NULL DEFAULT '',
    -- Money that came when nothing was due: neither captured nor refunded, owed back all the same.
    ADD COLUMN surplus       boolean NOT NULL DEFAULT false,
    -- Grows when a refusal is tried again; the provider's key ends with it.
    ADD COLUMN try           integer NOT NULL DEFAULT 1 CHECK (try > 0),
    ADD COLUMN receipt_lines text NOT NULL DEFAULT '[]',
    ADD COLUMN asks          integer NOT NULL DEFAULT 0,
    ADD COLUMN next_ask_time timestamptz,
    -- When this try was first sent: a key is forgotten one day.
    ADD COLUMN send_time     timestamptz,
    ADD CONSTRAINT only_cards_wait CHECK (state = 'succeeded' OR attempt_id IS NOT NULL);
CREATE INDEX refunds_due ON refunds (next_ask_time) WHERE next_ask_time IS NOT NULL;
CREATE INDEX refunds_attempt ON refunds (attempt_id) WHERE attempt_id IS NOT NULL;

-- The refunds of an intent never exceed what it captured when a transaction commits, whoever wrote them.
CREATE FUNCTION refuse_refunds_beyond_captured() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT coalesce(sum(amount), 0) FROM refunds
        WHERE payment_id = NEW.payment_id AND state <> 'failed' AND NOT surplus)
       > (SELECT captured FROM payments WHERE payment_id = NEW.payment_id) THEN
        RAISE EXCEPTION 'the refunds exceed what was captured'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refunds_within_captured';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER refunds_within_captured AFTER INSERT OR UPDATE ON refunds
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_refunds_beyond_captured();

ALTER TABLE ledger_entries
    DROP CONSTRAINT ledger_entries_account_check,
    ADD CONSTRAINT ledger_entries_account_check CHECK (account IN ('receivable', 'revenue', 'cash_on_delivery', 'bank',
                                                                   'acquirer', 'refunds_payable'));

-- Accounts of shops at payment providers and fiscal registrars.
CREATE TABLE payment_accounts (
    account_id         uuid PRIMARY KEY,
    shop_id            uuid NOT NULL,
    kind               text NOT NULL CHECK (kind IN ('korob_card', 'yookassa', 'stripe', 'atol')),
    name               text NOT NULL,
    base_url           text NOT NULL,
    credentials_sealed bytea NOT NULL,
    credential_names   text[] NOT NULL,
    automatic          boolean NOT NULL,
    priority           integer NOT NULL,
    enabled            boolean NOT NULL,
    currencies         text[] NOT NULL,
    settings           jsonb NOT NULL,
    version            bigint NOT NULL DEFAULT 1,
    create_time        timestamptz NOT NULL
);
CREATE INDEX payment_accounts_shop ON payment_accounts (shop_id, priority, account_id);
CREATE INDEX payment_accounts_newest ON payment_accounts (create_time DESC, account_id DESC);

-- What providers told by webhook, as it came. A repeat is the same row.
CREATE TABLE provider_notifications (
    notification_id uuid PRIMARY KEY,
    account_id      uuid NOT NULL REFERENCES payment_accounts,
    shop_id         uuid NOT NULL,
    -- The provider's id of the event, or the digest of the body.
    event_key       text NOT NULL,
    type            text NOT NULL,
    reference       text NOT NULL,
    body_sealed     bytea NOT NULL,
    state           text NOT NULL CHECK (state IN ('pending', 'applied', 'ignored', 'unmatched', 'failed')),
    failure_code    text NOT NULL DEFAULT '',
    deliveries      integer NOT NULL DEFAULT 1,
    tries           integer NOT NULL DEFAULT 0,
    next_try_time   timestamptz,
    payment_id      uuid,
    receive_time    timestamptz NOT NULL,
    apply_time      timestamptz,
    UNIQUE (account_id, event_key)
);
CREATE INDEX provider_notifications_due ON provider_notifications (next_try_time) WHERE next_try_time IS NOT NULL;
CREATE INDEX provider_notifications_newest ON provider_notifications (receive_time DESC, notification_id DESC);
CREATE INDEX provider_notifications_state
    ON provider_notifications (state, receive_time DESC, notification_id DESC) WHERE state IN ('unmatched', 'failed');

-- One fiscal receipt per capture and refund.
CREATE TABLE receipts (
    receipt_id      uuid PRIMARY KEY,
    payment_id      uuid NOT NULL REFERENCES payments,
    order_id        uuid NOT NULL,
    shop_id         uuid NOT NULL,
    account_id      uuid NOT NULL REFERENCES payment_accounts,
    kind            text NOT NULL CHECK (kind IN ('sale', 'refund')),
    cause_id        text NOT NULL UNIQUE,
    currency        text NOT NULL,
    amount          bigint NOT NULL CHECK (amount > 0),
    lines           text NOT NULL,
    state           text NOT NULL CHECK (state IN ('queued', 'sent', 'done', 'failed')),
    failure_code    text NOT NULL DEFAULT '',
    -- Grows when a refusal is tried again; the registrar's external id ends with it.
    try             integer NOT NULL DEFAULT 1 CHECK (try > 0),
    reference       text NOT NULL DEFAULT '',
    fiscal_storage  text NOT NULL DEFAULT '',
    fiscal_document text NOT NULL DEFAULT '',
    fiscal_sign     text NOT NULL DEFAULT '',
    asks            integer NOT NULL DEFAULT 0,
    next_ask_time   timestamptz,
    version         bigint NOT NULL DEFAULT 1,
    create_time     timestamptz NOT NULL,
    settle_time     timestamptz
);
CREATE INDEX receipts_payment ON receipts (payment_id);
CREATE INDEX receipts_newest ON receipts (create_time DESC, receipt_id DESC);
CREATE INDEX receipts_shop ON receipts (shop_id, create_time DESC, receipt_id DESC);
CREATE INDEX receipts_due ON receipts (next_ask_time) WHERE next_ask_time IS NOT NULL;
