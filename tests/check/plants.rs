//! For every check an inconsistency, planted by SQL into the copy of one database, and what else is broken by it.

/// One inconsistency.
pub struct Plant {
    /// The check that must find it.
    pub check: &'static str,
    /// Into whose database it goes.
    pub database: &'static str,
    /// Tables whose constraints would refuse it.
    pub freed: &'static [&'static str],
    /// The last statement answers an id that the finding must name.
    pub sql: &'static str,
    /// Checks that say the same in other words.
    pub also: &'static [&'static str],
}

const fn plant(check: &'static str, database: &'static str, sql: &'static str) -> Plant {
    Plant { check, database, freed: &[], sql, also: &[] }
}

impl Plant {
    const fn freeing(self, freed: &'static [&'static str]) -> Self {
        Self { freed, ..self }
    }

    const fn also(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }
}

/// All of them; a check without one fails the test.
pub const PLANTS: &[Plant] = &[
    // What every database has.
    plant(
        "event-positions",
        "payments",
        "UPDATE event_log SET position = position + 1 WHERE position = (SELECT max(position) FROM event_log) RETURNING position::text",
    ),
    plant(
        "event-versions",
        "customers",
        "UPDATE event_log SET version = 2 WHERE position = (SELECT min(position) FROM event_log) RETURNING aggregate_id",
    ),
    plant(
        "event-history",
        "customers",
        "DELETE FROM audit_log WHERE resource_id = (SELECT aggregate_id FROM event_log LIMIT 1) RETURNING resource_id",
    ),
    plant("event-cursors-log", "customers", "UPDATE event_cursors SET epoch = gen_random_uuid()::text RETURNING consumer"),
    plant("event-cursors-log", "customers", "UPDATE event_cursors SET position = position + 100000 RETURNING consumer"),
    plant("event-cursors-trimmed", "customers", "UPDATE event_cursors SET position = -1 RETURNING consumer"),
    plant(
        "parked-events",
        "customers",
        "INSERT INTO parked_events (consumer, position, event_id, aggregate_id, event, tries, error, park_time)
         VALUES ('customers.count_purchases', 1, gen_random_uuid(), 'ord_1', '', 5, 'broken', now()) RETURNING aggregate_id",
    ),
    plant(
        "sagas-undecided",
        "orders",
        "INSERT INTO sagas (saga_id, kind, state, input, actor, traceparent, lease_until, create_time)
         VALUES (gen_random_uuid(), 'place_order', 'running', '', '', '', now(), now() - interval '2 minutes')
         RETURNING saga_id::text",
    ),
    plant(
        "sagas-ended",
        "orders",
        "UPDATE sagas SET finish_time = NULL WHERE saga_id = (SELECT saga_id FROM sagas WHERE state = 'done' LIMIT 1)
         RETURNING saga_id::text",
    ),
    // Orders.
    plant("order-totals", "orders", "UPDATE orders SET total = total + 1 WHERE state = 'cancelled' RETURNING order_id::text")
        .freeing(&["orders"]),
    plant(
        "order-goods",
        "orders",
        "UPDATE orders SET goods_total = goods_total + 1, total = total + 1 WHERE state = 'cancelled' RETURNING order_id::text",
    ),
    plant(
        "order-parts-of-orders",
        "orders",
        "DELETE FROM order_buyers WHERE order_id = (SELECT order_id FROM orders LIMIT 1) RETURNING order_id::text",
    ),
    plant(
        "order-line-quantities",
        "orders",
        "UPDATE order_lines SET delivered = 1 FROM orders o
         WHERE o.order_id = order_lines.order_id AND o.state = 'cancelled' RETURNING o.order_id::text",
    )
    .freeing(&["order_lines"]),
    plant(
        "order-line-totals",
        "orders",
        "UPDATE order_lines SET unit_price = unit_price + 1 FROM orders o
         WHERE o.order_id = order_lines.order_id AND o.state = 'cancelled' RETURNING o.order_id::text",
    ),
    plant(
        "order-numbers",
        "orders",
        "UPDATE orders SET number = (SELECT number FROM orders WHERE state = 'new' ORDER BY create_time LIMIT 1)
         WHERE state = 'cancelled' RETURNING number",
    )
    .freeing(&["orders"])
    .also(&["order-numbers-reused"]),
    plant(
        "order-external-ids",
        "orders",
        "INSERT INTO order_external_ids (external_id, source_id, order_id, fingerprint)
         SELECT e.external_id, e.source_id, o.order_id, e.fingerprint FROM order_external_ids e JOIN orders o USING (source_id)
         WHERE o.order_id <> e.order_id LIMIT 1 RETURNING external_id",
    )
    .freeing(&["order_external_ids"]),
    plant(
        "order-keys",
        "orders",
        "UPDATE idempotency_keys SET resource_id = 'ord_00000000000000000000000000000000'
         WHERE key = (SELECT key FROM idempotency_keys WHERE method = 'orders.place_order' LIMIT 1) RETURNING key",
    ),
    plant("order-sagas", "orders", "UPDATE orders SET cancelling = gen_random_uuid() WHERE state = 'cancelled' RETURNING order_id::text"),
    plant("order-ends", "orders", "UPDATE orders SET cancel_reason = '' WHERE state = 'cancelled' RETURNING order_id::text")
        .freeing(&["orders"]),
    plant(
        "order-paid",
        "orders",
        "UPDATE orders SET paid = paid + 1
         WHERE order_id = (SELECT order_id FROM order_progress WHERE payments <> '[]' LIMIT 1) RETURNING order_id::text",
    ),
    plant(
        "order-parts-shipped",
        "orders",
        "UPDATE order_fulfilments SET lines = jsonb_set(lines, '{0,shipped}', '99') WHERE state = 'delivered' RETURNING order_id::text",
    ),
    plant(
        "return-units",
        "orders",
        "UPDATE order_lines SET returned = returned + 1 WHERE returned < shipped RETURNING order_id::text",
    ),
    plant(
        "return-credits",
        "orders",
        "INSERT INTO returns (return_id, shop_id, order_id, state, currency, credited_total, create_time, update_time)
         SELECT gen_random_uuid(), shop_id, order_id, 'resolved', currency, 5, now(), now() FROM orders LIMIT 1
         RETURNING order_id::text",
    ),
    plant(
        "return-shops",
        "orders",
        "INSERT INTO returns (return_id, shop_id, order_id, state, currency, create_time, update_time)
         SELECT gen_random_uuid(), gen_random_uuid(), order_id, 'requested', currency, now(), now() FROM orders LIMIT 1
         RETURNING return_id::text",
    ),
    plant(
        "promo-code-uses",
        "orders",
        "INSERT INTO promo_codes (promo_code_id, code, code_key, title, amount, amount_currency, use_count, create_time, update_time)
         VALUES (gen_random_uuid(), 'A', 'A', '', 5, 'UAH', 1, now(), now()) RETURNING promo_code_id::text",
    ),
    plant(
        "quote-orders",
        "orders",
        "INSERT INTO quotes (quote_id, order_id, shop_id, source_id, channel, state, currency, payment_method, lines, goods_total,
                             weight_grams, choices, extras, promo_code, holds_stock, idempotency_key, expire_time, create_time)
         SELECT gen_random_uuid(), gen_random_uuid(), shop_id, source_id, channel, 'placed', currency, payment_method, '[]', 0, 0,
                '[]', '', '', false, 'a', now(), now() FROM orders LIMIT 1
         RETURNING quote_id::text",
    ),
    plant(
        "cart-orders",
        "orders",
        "INSERT INTO carts (cart_key, shop_id, cart_id, state, lines, contact_name, contact_phone, contact_email, order_id, version,
                            create_time, update_time)
         SELECT gen_random_uuid(), shop_id, 'a', 'ordered', '[]', '', '', '', gen_random_uuid(), 1, now(), now() FROM orders LIMIT 1
         RETURNING cart_key::text",
    ),
    plant(
        "order-events",
        "orders",
        "UPDATE event_log SET shop_id = gen_random_uuid() WHERE position = (
             SELECT max(position) FROM event_log WHERE aggregate_id LIKE 'ord\\_%') RETURNING aggregate_id",
    ),
    plant(
        "order-events-of-nothing",
        "orders",
        "WITH told AS (
             INSERT INTO event_log (position, event_id, aggregate_id, version, type, body, actor, traceparent, create_time)
             SELECT max(position) + 1, gen_random_uuid(), 'ord_00000000000000000000000000000000', 1, 'a', '', '', '', now()
             FROM event_log RETURNING aggregate_id, create_time)
         INSERT INTO audit_log (change_time, actor, action, resource_id, changes, trace_id)
         SELECT create_time, '', '', aggregate_id, '[]', '' FROM told RETURNING resource_id",
    ),
    plant(
        "order-history",
        "orders",
        "INSERT INTO audit_log (change_time, actor, action, resource_id, shop_id, changes, trace_id)
         SELECT change_time, actor, action, resource_id, shop_id, changes, trace_id FROM audit_log
         WHERE action = 'orders.place_order' LIMIT 1 RETURNING resource_id",
    ),
    // Inventory.
    plant(
        "stock-on-hand",
        "inventory",
        "UPDATE stock_ledger SET on_hand_delta = on_hand_delta + 1 WHERE sequence = (
             SELECT min(sequence) FROM stock_ledger WHERE kind = 'receipt') RETURNING sku",
    ),
    plant(
        "stock-reserved",
        "inventory",
        "UPDATE stock_ledger SET reserved_delta = reserved_delta + 1 WHERE sequence = (
             SELECT min(sequence) FROM stock_ledger WHERE kind = 'reserve') RETURNING sku",
    ),
    plant(
        "stock-reservations",
        "inventory",
        "UPDATE reservation_lines SET quantity = quantity + 1 WHERE reservation_id = (
             SELECT reservation_id FROM reservations WHERE state = 'held' LIMIT 1) RETURNING sku",
    )
    .also(&["order-reservations"]),
    plant(
        "stock-bounds",
        "inventory",
        "WITH moved AS (
             INSERT INTO stock_ledger (sku, warehouse_id, condition, kind, on_hand_delta, reserved_delta, reference, note, actor, post_time)
             SELECT 'GHOST', warehouse_id, 'damaged', 'reserve', 0, 1, '', '', '', now() FROM warehouses LIMIT 1 RETURNING *)
         INSERT INTO stock_levels (sku, warehouse_id, condition, on_hand, reserved, version, update_time)
         SELECT sku, warehouse_id, condition, 0, 1, 1, now() FROM moved RETURNING sku",
    )
    .freeing(&["stock_levels"]),
    plant(
        "stock-layers",
        "inventory",
        "UPDATE cost_layer_places SET remaining = remaining - 1 WHERE remaining > 1 RETURNING sku",
    ),
    plant(
        "stock-layers-received",
        "inventory",
        "UPDATE cost_layers SET received = 1 WHERE layer_id = (SELECT layer_id FROM cost_layer_places WHERE remaining > 1 LIMIT 1)
         RETURNING layer_id::text",
    ),
    plant(
        "stock-documents",
        "inventory",
        "UPDATE stock_ledger SET document_id = gen_random_uuid() WHERE sequence = (
             SELECT min(sequence) FROM stock_ledger WHERE document_id IS NOT NULL) RETURNING sequence::text",
    ),
    plant(
        "stock-in-transit",
        "inventory",
        "WITH sent AS (
             INSERT INTO transfers (transfer_id, from_warehouse_id, to_warehouse_id, state, reference, author, create_time, version)
             SELECT gen_random_uuid(), gen_random_uuid(), warehouse_id, 'dispatched', '', '', now(), 1 FROM warehouses LIMIT 1
             RETURNING transfer_id)
         INSERT INTO transfer_lines (transfer_id, sku, dispatched, received, lost, returned)
         SELECT transfer_id, 'GHOST', 3, 0, 0, 0 FROM sent RETURNING sku",
    ),
    plant(
        "stock-shipped",
        "inventory",
        "DELETE FROM reservation_shipments WHERE reservation_id = (SELECT reservation_id FROM reservation_shipments LIMIT 1)
         RETURNING sku",
    ),
    plant(
        "reservation-lines",
        "inventory",
        "INSERT INTO reservation_lines (reservation_id, sku, warehouse_id, quantity)
         SELECT gen_random_uuid(), 'GHOST', warehouse_id, 1 FROM warehouses LIMIT 1 RETURNING reservation_id::text",
    ),
    plant(
        "reservation-owners",
        "inventory",
        "INSERT INTO reservations (reservation_id, owner, shop_id, state, create_time, version)
         SELECT gen_random_uuid(), 'crt_twice', shop_id, 'held', now(), 1
         FROM (SELECT shop_id FROM reservations WHERE shop_id IS NOT NULL LIMIT 1) AS one, generate_series(1, 2) RETURNING owner",
    ),
    plant(
        "reservation-shortages",
        "inventory",
        "INSERT INTO shortages (shortage_id, reservation_id, owner, shop_id, sku, missing, state, assignee, due_time, create_time, version)
         SELECT gen_random_uuid(), reservation_id, owner, shop_id, 'GHOST', 1, 'open', '', now(), now(), 1
         FROM reservations WHERE state = 'released' AND owner IS NOT NULL LIMIT 1 RETURNING reservation_id::text",
    ),
    // Payments.
    plant(
        "payment-captured-once",
        "payments",
        "INSERT INTO payment_attempts (attempt_id, payment_id, ordinal, provider, amount, outcome, create_time, account_id, captured)
         SELECT gen_random_uuid(), payment_id, 99, provider, amount, outcome, create_time, account_id, 0
         FROM payment_attempts WHERE outcome = 'succeeded' AND account_id IS NOT NULL LIMIT 1 RETURNING payment_id::text",
    )
    .freeing(&["payment_attempts"]),
    plant(
        "payment-bounds",
        "payments",
        "UPDATE payments SET authorized = captured - 1 WHERE method = 'card' AND captured > 0 RETURNING payment_id::text",
    )
    .freeing(&["payments"]),
    plant(
        "payment-captures",
        "payments",
        "UPDATE payment_attempts SET captured = captured - 1 WHERE captured > 1 RETURNING payment_id::text",
    ),
    plant(
        "payment-refunds",
        "payments",
        "INSERT INTO refunds (refund_id, payment_id, ordinal, amount, create_time, state, attempt_id)
         SELECT gen_random_uuid(), payment_id, 99, 1, now(), 'pending', attempt_id FROM payment_attempts
         WHERE outcome = 'succeeded' LIMIT 1 RETURNING payment_id::text",
    ),
    plant(
        "payment-states",
        "payments",
        "UPDATE payments SET state = 'succeeded' WHERE payment_id = (
             SELECT payment_id FROM payments WHERE state = 'requires_payment' LIMIT 1) RETURNING payment_id::text",
    )
    .freeing(&["payments"]),
    plant(
        "ledger-balance",
        "payments",
        "UPDATE ledger_entries SET credit = credit + 1 WHERE sequence = (
             SELECT min(sequence) FROM ledger_entries WHERE account = 'revenue' AND credit > 0) RETURNING currency",
    )
    .also(&["ledger-postings"]),
    plant(
        "ledger-postings",
        "payments",
        "WITH two AS (SELECT min(sequence) AS one, max(sequence) AS other FROM ledger_entries WHERE account = 'revenue' AND credit > 1)
         UPDATE ledger_entries SET credit = credit + CASE sequence WHEN one THEN 1 ELSE -1 END FROM two
         WHERE sequence IN (one, other) RETURNING posting_id::text",
    ),
    plant(
        "ledger-money",
        "payments",
        "INSERT INTO ledger_entries (posting_id, account, currency, debit, credit, payment_id, order_id, shop_id, post_time)
         SELECT '00000000-0000-0000-0000-000000000001', side.account, currency, side.debit, 5 - side.debit, payment_id, order_id,
                shop_id, now()
         FROM (SELECT * FROM payments WHERE order_id IS NOT NULL LIMIT 1) AS p, (VALUES ('bank', 5), ('revenue', 0)) AS side (account, debit)
         RETURNING payment_id::text",
    ),
    plant(
        "ledger-debts",
        "payments",
        "INSERT INTO ledger_entries (posting_id, account, currency, debit, credit, payment_id, order_id, shop_id, post_time)
         SELECT '00000000-0000-0000-0000-000000000001', side.account, currency, side.debit, 5 - side.debit, payment_id, order_id,
                shop_id, now()
         FROM (SELECT * FROM payments WHERE order_id IS NOT NULL LIMIT 1) AS p,
              (VALUES ('receivable', 5), ('revenue', 0)) AS side (account, debit)
         RETURNING payment_id::text",
    ),
    plant(
        "ledger-owners",
        "payments",
        "UPDATE ledger_entries SET shop_id = gen_random_uuid() WHERE sequence = (SELECT min(sequence) FROM ledger_entries)
         RETURNING payment_id::text",
    ),
    plant(
        "receipt-shops",
        "payments",
        "INSERT INTO receipts (receipt_id, payment_id, order_id, shop_id, account_id, kind, cause_id, currency, amount, lines, state,
                               create_time)
         SELECT gen_random_uuid(), payment_id, order_id, gen_random_uuid(), gen_random_uuid(), 'sale', 'a', currency, 1, '[]', 'done',
                now() FROM payments WHERE order_id IS NOT NULL LIMIT 1
         RETURNING receipt_id::text",
    ),
    plant(
        "payment-events",
        "payments",
        "UPDATE event_log SET shop_id = gen_random_uuid() WHERE position = (
             SELECT max(position) FROM event_log WHERE aggregate_id LIKE 'pay\\_%') RETURNING aggregate_id",
    ),
    // Delivery.
    plant(
        "shipments-of-plans",
        "delivery",
        "INSERT INTO shipments (shipment_id, delivery_plan_id, order_id, shop_id, carrier, tracking_number, status, create_time)
         SELECT gen_random_uuid(), delivery_plan_id, order_id, shop_id, carrier, 'ANOTHER', status, create_time FROM shipments LIMIT 1
         RETURNING delivery_plan_id::text",
    )
    .freeing(&["shipments"]),
    plant(
        "waybills",
        "delivery",
        "INSERT INTO shipments (shipment_id, delivery_plan_id, order_id, shop_id, carrier, carrier_account_id, tracking_number, status,
                                state, create_time)
         SELECT gen_random_uuid(), delivery_plan_id, order_id, shop_id, carrier, carrier_account_id, tracking_number, 'cancelled',
                'cancelled', create_time FROM shipments LIMIT 1
         RETURNING tracking_number",
    )
    .freeing(&["shipments"]),
    plant("shipment-parents", "delivery", "UPDATE shipments SET shop_id = gen_random_uuid() RETURNING shipment_id::text")
        .also(&["order-shipments"]),
    plant(
        "incident-shops",
        "delivery",
        "INSERT INTO incidents (incident_id, shipment_id, order_id, shop_id, reason, due_time, open_time)
         SELECT gen_random_uuid(), shipment_id, order_id, gen_random_uuid(), 'lost', now(), now() FROM shipments LIMIT 1
         RETURNING incident_id::text",
    ),
    plant(
        "delivery-slots",
        "delivery",
        "INSERT INTO delivery_slots (delivery_method_id, start_time, taken) VALUES (gen_random_uuid(), now(), 1)
         RETURNING delivery_method_id::text",
    ),
    plant("cash-on-delivery", "delivery", "UPDATE shipments SET cash_received = 7 RETURNING shipment_id::text"),
    plant(
        "delivery-plan-events",
        "delivery",
        "UPDATE event_log SET shop_id = gen_random_uuid() WHERE position = (
             SELECT max(position) FROM event_log WHERE aggregate_id LIKE 'dlp\\_%') RETURNING aggregate_id",
    ),
    // Orders and inventory.
    plant(
        "order-reservations",
        "orders",
        "UPDATE order_lines SET reserved = reserved - 1 FROM orders o
         WHERE o.order_id = order_lines.order_id AND o.state = 'new' RETURNING o.order_id::text",
    )
    .also(&["sold-and-not-held"]),
    plant(
        "sold-and-not-held",
        "orders",
        "UPDATE order_lines SET ordered = ordered + 1 FROM orders o
         WHERE o.order_id = order_lines.order_id AND o.state = 'new' RETURNING o.order_id::text",
    )
    .also(&["order-line-totals"]),
    plant(
        "order-stock-left",
        "inventory",
        "UPDATE reservation_shipments s SET quantity = quantity + 1 FROM reservations r
         WHERE r.reservation_id = s.reservation_id RETURNING substr(r.owner, 5)",
    )
    .also(&["stock-shipped"]),
    plant(
        "reservation-shops",
        "inventory",
        "UPDATE reservations SET shop_id = gen_random_uuid() WHERE owner LIKE 'ord\\_%' RETURNING reservation_id::text",
    ),
    // Orders and payments.
    plant(
        "order-payments",
        "orders",
        "UPDATE orders o SET paid = 1 WHERE state = 'new' AND payment_id IS NOT NULL
         AND NOT EXISTS (SELECT FROM order_progress p WHERE p.order_id = o.order_id AND p.payments <> '[]') RETURNING order_id::text",
    ),
    plant(
        "payment-orders",
        "payments",
        "UPDATE payments p SET state = 'requires_payment' WHERE state = 'canceled' AND order_id IS NOT NULL
         AND NOT EXISTS (SELECT FROM payments o WHERE o.order_id = p.order_id AND o.state <> 'canceled') RETURNING payment_id::text",
    )
    .also(&["ledger-debts"]),
    plant(
        "order-payments-given-up",
        "payments",
        "UPDATE payments SET state = 'canceled' WHERE payment_id = (
             SELECT payment_id FROM payments WHERE state = 'requires_payment' AND amount > 0 LIMIT 1) RETURNING order_id::text",
    )
    .also(&["ledger-debts"]),
    plant(
        "payment-shops",
        "payments",
        "UPDATE payments SET shop_id = gen_random_uuid() WHERE order_id IS NOT NULL RETURNING payment_id::text",
    )
    .also(&["ledger-owners", "payment-events"]),
    // Orders and delivery.
    plant(
        "order-delivery-plans",
        "orders",
        "UPDATE orders SET delivery_plan_id = gen_random_uuid() WHERE state = 'new' AND delivery_plan_id IS NOT NULL
         RETURNING order_id::text",
    ),
    plant(
        "delivery-plan-orders",
        "delivery",
        "UPDATE delivery_plans SET cancelled = false WHERE cancelled AND order_id IS NOT NULL RETURNING delivery_plan_id::text",
    ),
    plant(
        "order-shipments",
        "orders",
        "UPDATE order_fulfilments SET shipment_id = gen_random_uuid() WHERE state = 'booked' RETURNING order_id::text",
    ),
    plant(
        "shipment-orders",
        "delivery",
        "INSERT INTO shipments (shipment_id, delivery_plan_id, order_id, shop_id, carrier, tracking_number, status, create_time)
         SELECT gen_random_uuid(), delivery_plan_id, order_id, shop_id, 'own-courier', 'OF NOBODY', 'pending', now()
         FROM delivery_plans WHERE cancelled AND order_id IS NOT NULL LIMIT 1
         RETURNING shipment_id::text",
    ),
    plant(
        "order-waybills",
        "orders",
        "UPDATE order_fulfilments SET tracking_number = 'ANOTHER' WHERE tracking_number <> '' RETURNING order_id::text",
    ),
    plant(
        "order-numbers-reused",
        "delivery",
        "UPDATE delivery_plans SET order_number = p.order_number, order_id = gen_random_uuid()
         FROM (SELECT order_number, delivery_plan_id FROM delivery_plans WHERE cancelled AND order_number <> '' LIMIT 1) AS p
         WHERE delivery_plans.delivery_plan_id = p.delivery_plan_id RETURNING p.order_number",
    )
    .also(&["order-delivery-plans"]),
    plant(
        "order-parcels",
        "orders",
        "UPDATE order_fulfilments SET shipment_id = NULL WHERE state = 'booked' RETURNING order_id::text",
    ),
    // Customers and access.
    plant("customer-counters", "customers", "UPDATE purchase_totals SET order_count = order_count + 1 RETURNING customer_id::text"),
    plant(
        "customer-identities",
        "customers",
        "DELETE FROM customer_identities WHERE customer_id = (SELECT customer_id FROM customers LIMIT 1) RETURNING customer_id::text",
    ),
    plant("customer-purchases", "customers", "UPDATE purchases SET version = version + 1 RETURNING order_id::text"),
    plant(
        "order-customers",
        "customers",
        "DELETE FROM customer_shops WHERE customer_id = (
             SELECT customer_id FROM purchases WHERE customer_id IS NOT NULL LIMIT 1) RETURNING customer_id::text",
    ),
    plant("order-sources", "access", "UPDATE channel_accounts SET shop_id = gen_random_uuid() RETURNING source_id::text"),
];
