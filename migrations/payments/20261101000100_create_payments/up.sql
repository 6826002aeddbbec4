-- Payment intents, their attempts and refunds, and the double-entry ledger.

-- A row without an order is a tombstone: it was voided before it was opened, and a late open is refused.
CREATE TABLE payments (
    payment_id      uuid PRIMARY KEY,
    order_id        uuid,
    shop_id         uuid,
    legal_entity_id uuid,
    method          text CHECK (method IN ('cash_on_delivery', 'bank_transfer')),
    state           text NOT NULL CHECK (state IN ('requires_payment', 'requires_action', 'processing',
                                                   'partially_paid', 'succeeded', 'canceled')),
    currency        text NOT NULL,
    amount          bigint NOT NULL CHECK (amount >= 0),
    captured        bigint NOT NULL DEFAULT 0 CHECK (captured >= 0 AND captured <= amount),
    refunded        bigint NOT NULL DEFAULT 0 CHECK (refunded >= 0 AND refunded <= captured),
    instructions    text NOT NULL DEFAULT '',
    void_reason     text NOT NULL DEFAULT '',
    version         bigint NOT NULL DEFAULT 1,
    create_time     timestamptz NOT NULL,
    CONSTRAINT a_tombstone_is_empty CHECK (
        (order_id IS NOT NULL AND shop_id IS NOT NULL AND method IS NOT NULL)
        OR (order_id IS NULL AND shop_id IS NULL AND method IS NULL AND state = 'canceled' AND amount = 0)),
    CONSTRAINT canceled_keeps_no_money CHECK (state <> 'canceled' OR refunded = captured),
    CONSTRAINT succeeded_is_paid_in_full CHECK (state <> 'succeeded' OR captured = amount)
);
CREATE INDEX payments_order ON payments (order_id);
CREATE INDEX payments_newest ON payments (create_time DESC, payment_id DESC) WHERE order_id IS NOT NULL;
CREATE INDEX payments_shop ON payments (shop_id, create_time DESC, payment_id DESC);

-- One try to move money in.
CREATE TABLE payment_attempts (
    attempt_id  uuid PRIMARY KEY,
    payment_id  uuid NOT NULL REFERENCES payments,
    ordinal     integer NOT NULL,
    provider    text NOT NULL,
    amount      bigint NOT NULL CHECK (amount > 0),
    outcome     text NOT NULL CHECK (outcome IN ('succeeded', 'failed', 'unknown')),
    reference   text NOT NULL DEFAULT '',
    create_time timestamptz NOT NULL,
    UNIQUE (payment_id, ordinal)
);

-- Money given back.
CREATE TABLE refunds (
    refund_id   uuid PRIMARY KEY,
    payment_id  uuid NOT NULL REFERENCES payments,
    ordinal     integer NOT NULL,
    amount      bigint NOT NULL CHECK (amount > 0),
    reason      text NOT NULL DEFAULT '',
    create_time timestamptz NOT NULL,
    UNIQUE (payment_id, ordinal)
);

-- One side of a double entry. Rows are only ever added; a mistake is corrected by a posting the other way round.
CREATE TABLE ledger_entries (
    sequence   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    posting_id uuid NOT NULL,
    account    text NOT NULL CHECK (account IN ('receivable', 'revenue', 'cash_on_delivery', 'bank',
                                                'refunds_payable')),
    currency   text NOT NULL,
    debit      bigint NOT NULL DEFAULT 0 CHECK (debit >= 0),
    credit     bigint NOT NULL DEFAULT 0 CHECK (credit >= 0),
    payment_id uuid NOT NULL,
    order_id   uuid NOT NULL,
    shop_id    uuid NOT NULL,
    post_time  timestamptz NOT NULL,
    CONSTRAINT one_side_only CHECK ((debit > 0) <> (credit > 0))
);
CREATE INDEX ledger_entries_posting ON ledger_entries (posting_id);
CREATE INDEX ledger_entries_payment ON ledger_entries (payment_id, sequence);
CREATE INDEX ledger_entries_shop ON ledger_entries (shop_id, sequence);
CREATE INDEX ledger_entries_account ON ledger_entries (account, sequence);

-- Debits equal credits per posting and currency when a transaction commits, whoever wrote it.
CREATE FUNCTION refuse_unbalanced_postings() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    unbalanced boolean;
BEGIN
    IF TG_OP <> 'DELETE' THEN
        SELECT sum(debit) <> sum(credit) INTO unbalanced FROM ledger_entries
        WHERE posting_id = NEW.posting_id AND currency = NEW.currency;
    END IF;
    IF TG_OP <> 'INSERT' AND unbalanced IS NOT TRUE THEN
        SELECT sum(debit) <> sum(credit) INTO unbalanced FROM ledger_entries
        WHERE posting_id = OLD.posting_id AND currency = OLD.currency;
    END IF;
    IF unbalanced THEN
        RAISE EXCEPTION 'a posting is not balanced'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'debits_equal_credits';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER debits_equal_credits AFTER INSERT OR UPDATE OR DELETE ON ledger_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced_postings();
