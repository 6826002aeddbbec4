//! What must be true when everything has settled, whatever happened before.

use std::collections::{BTreeMap, BTreeSet};

use korob_inventory::model::{Condition, State};
use korob_orders::model::order::Order;
use korob_orders::model::order_state::OrderState;
use korob_payments::model::attempt::{ChargeStatus, Outcome, Wanted};
use korob_payments::model::ledger::Account;
use korob_payments::model::payment::{Method, Payment};
use korob_payments::model::refund::RefundState;
use types::{OrderId, ReservationId, Sku};

use crate::follow::cursor;
use crate::money_tables::Stored;
use crate::plans::Plan;
use crate::world::World;

/// Whether nothing is under way any more.
pub fn is_quiet(world: &World) -> bool {
    world.history.lock().busy == 0 && unsettled(world).is_empty()
}

/// Everything that must not be, as `check: details`.
pub fn broken(world: &World) -> Vec<String> {
    let mut broken = unsettled(world);
    let wrong = world.history.lock().wrong.clone();
    broken.extend(wrong.into_iter().map(|answer| format!("answers: {answer}")));
    acknowledged_orders_are_there_once(world, &mut broken);
    stock_adds_up(world, &mut broken);
    orders_hold_what_they_need(world, &mut broken);
    nobody_pays_twice(world, &mut broken);
    money_adds_up(world, &mut broken);
    versions_have_no_gaps(world, &mut broken);
    broken
}

/// What must have come to an end by now.
fn unsettled(world: &World) -> Vec<String> {
    let mut open = Vec::new();
    {
        let orders = world.orders.lock();
        for row in orders.sagas.values().filter(|row| row.state.is_open()) {
            open.push(format!("sagas end: a {} is {:?}", row.kind, row.state));
        }
        for order in orders.orders.values().filter(|order| order.cancelling.is_some()) {
            open.push(format!("sagas end: {} is being cancelled", order.order_id));
        }
    }
    for (log, length) in
        [("payments", world.money.lock().log.len()), ("inventory", world.stock.lock().log.len())]
    {
        let read = cursor(world, log);
        if read != length {
            open.push(format!("events arrive: {read} of {length} of {log}"));
        }
    }
    let money = world.money.lock();
    for payment in money.all() {
        let id = payment.terms.payment_id;
        for attempt in &payment.attempts {
            let wants = attempt.charge.as_ref().is_some_and(|charge| charge.wanted != Wanted::Nothing);
            if attempt.outcome == Outcome::Unknown || wants {
                open.push(format!("money is known: an attempt of {id} is {:?}", attempt.outcome));
            }
        }
        for refund in payment.refunds.iter().filter(|refund| refund.state == RefundState::Pending) {
            open.push(format!("money is known: a refund of {id} is pending, {}", refund.failure_code));
        }
    }
    let cards = world.cards.lock();
    for charge in &cards.charges {
        let payment = money.of_attempt(charge.key);
        let attempt = payment.iter().flat_map(|payment| &payment.attempts).find(|one| one.id == charge.key);
        match attempt {
            None => open.push(format!("money is known: a charge that nobody asked for, {:?}", charge.status)),
            Some(attempt) if !is_known(&charge.status, attempt.outcome) => {
                open.push(format!("money is known: {:?} is {:?} here", charge.status, attempt.outcome));
            }
            Some(_) => {}
        }
    }
    open
}

/// Whether we know what the provider knows.
fn is_known(there: &ChargeStatus, here: Outcome) -> bool {
    match there {
        ChargeStatus::Processing => here == Outcome::Processing,
        ChargeStatus::RequiresAction { .. } => here == Outcome::RequiresAction,
        ChargeStatus::Authorized => here == Outcome::Authorized,
        ChargeStatus::Captured(_) => matches!(here, Outcome::Succeeded | Outcome::Returned),
        ChargeStatus::Failed { .. } => here == Outcome::Failed,
        ChargeStatus::Released => here == Outcome::Released,
    }
}

fn acknowledged_orders_are_there_once(world: &World, broken: &mut Vec<String>) {
    let (orders, history) = (world.orders.lock(), world.history.lock());
    let mut made: BTreeMap<&str, Vec<OrderId>> = BTreeMap::new();
    for (order_id, key) in &orders.made_by {
        made.entry(key).or_default().push(*order_id);
    }
    for (key, heard) in &history.heard {
        let there = made.get(key.as_str()).map(Vec::as_slice).unwrap_or_default();
        if there.len() > 1 {
            broken.push(format!("orders once: {key} made {} orders", there.len()));
        }
        for order_id in &heard.acknowledged {
            match orders.orders.get(order_id) {
                None => broken.push(format!("orders are there: {key} lost {order_id}")),
                Some(order) if !heard.wanted.is_in(order) => {
                    broken.push(format!("orders are there: {order_id} is not what {key} wanted"));
                }
                Some(_) => {}
            }
        }
        let cancelled = |order_id: &OrderId| {
            orders.orders.get(order_id).is_some_and(|order| order.state == OrderState::Cancelled)
        };
        if heard.cancelled && !heard.acknowledged.iter().any(cancelled) {
            broken.push(format!("cancelled: {key} was told so"));
        }
    }
}

fn stock_adds_up(world: &World, broken: &mut Vec<String>) {
    let stock = world.stock.lock();
    let mut posted = BTreeMap::new();
    for posting in &stock.ledger {
        *posted.entry((posting.sku.clone(), posting.warehouse_id)).or_insert(0) += posting.delta.reserved;
    }
    let mut held = BTreeMap::new();
    for reservation in stock.reservations.values().filter(|reservation| reservation.state == State::Held) {
        for line in &reservation.lines {
            *held.entry((line.sku.clone(), line.warehouse_id)).or_insert(0) += line.quantity;
        }
    }
    for level in stock.levels.iter().filter(|level| level.condition == Condition::Sellable) {
        let place = (level.sku.clone(), level.warehouse_id);
        if level.reserved < 0 || level.reserved > level.on_hand {
            broken.push(format!("never oversold: {} of {} {}", level.reserved, level.on_hand, level.sku));
        }
        let (held, posted) = (held.get(&place).copied(), posted.get(&place).copied());
        if held.unwrap_or(0) != level.reserved || posted.unwrap_or(0) != level.reserved {
            broken.push(format!("stock adds up: {held:?} held, {posted:?} posted, {}", level.reserved));
        }
    }
}

/// Live orders have their stock, their delivery and their payment; others have nothing.
fn orders_hold_what_they_need(world: &World, broken: &mut Vec<String>) {
    let (orders, stock, plans) = (world.orders.lock(), world.stock.lock(), world.plans.lock());
    let live = |order: &&Order| order.state == OrderState::New;
    let mut owners: BTreeSet<ReservationId> = BTreeSet::new();
    for order in orders.orders.values().filter(live) {
        owners.insert(order.own_reservation_id());
        let mut wanted: BTreeMap<Sku, i64> = BTreeMap::new();
        for line in &order.lines {
            *wanted.entry(line.sku.clone()).or_insert(0) += i64::from(line.ordered);
        }
        let held = stock.reservations.get(&order.own_reservation_id());
        let held = held.filter(|reservation| reservation.state == State::Held);
        match held {
            Some(reservation) if reservation.wanted() == wanted => {
                let shown: i64 = order.lines.iter().map(|line| i64::from(line.reserved)).sum();
                let there: i64 = reservation.lines.iter().map(|line| line.quantity).sum();
                if shown != there {
                    broken.push(format!("stock is shown: {} shows {shown} of {there}", order.order_id));
                }
            }
            _ => broken.push(format!("stock is held: not that of {}", order.order_id)),
        }
        let plan = plans.0.get(&order.own_delivery_plan_id()).copied();
        if order.delivery.is_some() != matches!(plan, Some(Plan::Open | Plan::Left)) {
            broken.push(format!("delivery is planned: {plan:?} for {}", order.order_id));
        }
    }
    for reservation in stock.reservations.values() {
        if reservation.state == State::Held && !owners.contains(&reservation.id) {
            broken.push(format!("stock is given back: {} holds {:?}", reservation.id, reservation.lines));
        }
    }
    for order in orders.orders.values().filter(|order| !live(order)) {
        if plans.0.get(&order.own_delivery_plan_id()) == Some(&Plan::Open) {
            broken.push(format!("delivery is given up: not that of {}", order.order_id));
        }
    }
    let money = world.money.lock();
    for order in orders.orders.values() {
        let payment = match money.payments.get(&order.own_payment_id()) {
            Some(Stored::Payment(payment)) => Some(&**payment),
            Some(Stored::Tombstone) | None => None,
        };
        broken.extend(payment_fits(order, payment));
    }
}

fn payment_fits(order: &Order, payment: Option<&Payment>) -> Option<String> {
    let id = order.order_id;
    let live = order.state == OrderState::New;
    match payment {
        None => live.then(|| format!("payments are open: none for {id}")),
        Some(payment) if payment.is_voided() == live => {
            Some(format!("payments are void or open: {:?} for {id}, {}", payment.state, order.state))
        }
        Some(payment) if live && payment.terms.amount != order.total => {
            Some(format!("money adds up: {} is to be paid for {}", payment.terms.amount, order.total))
        }
        Some(payment) if live || order.state == OrderState::Cancelled => {
            let differs = (payment.captured, payment.refunded) != (order.paid, order.refunded);
            differs.then(|| {
                let (paid, captured) = (order.paid, payment.captured);
                format!("money is shown: {id} shows {paid} of {captured}, {} back", order.refunded)
            })
        }
        Some(_) => None,
    }
}

/// In the provider's own ledger.
fn nobody_pays_twice(world: &World, broken: &mut Vec<String>) {
    let (money, cards) = (world.money.lock(), world.cards.lock());
    let mut taken: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for charge in cards.charges.iter().filter(|charge| charge.captured() > 0) {
        taken.entry(charge.payment).or_default().push(charge);
    }
    for (payment_id, charges) in taken {
        if charges.len() > 1 {
            broken.push(format!("nobody pays twice: {} charges for {payment_id}", charges.len()));
        }
        let kept: i64 = charges.iter().map(|charge| charge.captured() - charge.refunded).sum();
        let known = money.payment(payment_id);
        if known.as_ref().is_ok_and(Payment::is_voided) && kept != 0 {
            broken.push(format!("money goes back: {kept} kept of {payment_id}"));
        }
        let ours = known.map_or(0, |payment| payment.captured.minor() - payment.refunded.minor());
        if ours != kept {
            broken.push(format!("money adds up: {ours} here, {kept} at the provider"));
        }
    }
}

fn money_adds_up(world: &World, broken: &mut Vec<String>) {
    let (money, cards) = (world.money.lock(), world.cards.lock());
    let mut books: BTreeMap<Account, i64> = BTreeMap::new();
    for posting in &money.postings {
        *books.entry(posting.debit).or_default() += posting.amount.minor();
        *books.entry(posting.credit).or_default() -= posting.amount.minor();
    }
    let mut expect = |account: Account, sum: i64, what: &str| {
        let booked = books.get(&account).copied().unwrap_or_default();
        if booked != sum {
            broken.push(format!("the books are right: {booked} on {}, {sum} {what}", account.as_str()));
        }
    };
    let at_provider = cards.charges.iter().map(|charge| charge.captured() - charge.refunded).sum();
    expect(Account::Acquirer, at_provider, "at the provider");
    let due = money.all().map(|payment| payment.due().map_or(-1, |due| due.minor())).sum();
    expect(Account::Receivable, due, "is due");
    expect(Account::RefundsPayable, 0, "is owed back");
    for payment in money.all().filter(|payment| payment.terms.method == Method::Card) {
        if payment.refunded.minor() > payment.captured.minor() {
            broken.push(format!("money adds up: {} back of {}", payment.refunded, payment.captured));
        }
    }
}

fn versions_have_no_gaps(world: &World, broken: &mut Vec<String>) {
    let (orders, money, stock) = (world.orders.lock(), world.money.lock(), world.stock.lock());
    let orders_told = orders.log.iter().map(|event| (event.order_id.to_string(), event.version));
    let payments_told = money.log.iter().map(|event| (event.payment_id.to_string(), event.version));
    let shortages = stock.log.iter().map(|event| &event.shortage.shortage);
    let shortages_told = shortages.map(|shortage| (shortage.id.to_string(), shortage.version));
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    for (id, version) in orders_told.chain(payments_told).chain(shortages_told) {
        let before = last.insert(id.clone(), version).unwrap_or_default();
        if version != before + 1 {
            broken.push(format!("versions have no gaps: {version} of {id} after {before}"));
        }
    }
    let rows = orders.orders.values().map(|order| (order.order_id.to_string(), order.version));
    let rows = rows.chain(money.all().map(|one| (one.terms.payment_id.to_string(), one.version)));
    for (id, version) in rows.filter(|(_, version)| *version > 0) {
        if last.get(&id) != Some(&version) {
            broken.push(format!("versions have no gaps: {id} is at {version}, told {:?}", last.get(&id)));
        }
    }
    for event in &orders.log {
        let known = orders.orders.get(&event.order_id);
        if event.state == OrderState::Placing && known.is_none_or(|order| order.version < event.version) {
            broken.push(format!("versions have no gaps: {}", event.order_id));
        }
    }
}
