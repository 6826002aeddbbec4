//! Saves a changed order and tells what changed: history, and the event of the other services.

use proto::orders::v1::OrderChanged;
use serde_json::{Value, json};
use store::{Audit, Result, Tx};

use crate::model::buyer::Address;
use crate::model::fulfilment::Fulfilment;
use crate::model::order::{Deadlines, Order};
use crate::model::order_line::OrderLine;
use crate::wire;

/// Saves `after`, if it differs from `before`, and publishes [`OrderChanged`]. `action` names it in the history.
pub async fn save(tx: &mut Tx, action: &'static str, before: &Order, after: &mut Order) -> Result<()> {
    let audit = Audit::new(action, after.order_id);
    let changed_fields = save_quietly(tx, audit, before, after).await?;
    if !changed_fields.is_empty() {
        let event = OrderChanged { order: Some(wire::snapshot(after)), changed_fields };
        events::append(tx, after.order_id, after.version, Some(after.shop_id), &event);
    }
    Ok(())
}

/// The same with more to say in the history than what differs here; whatever differs is told. Answers whether anything was
/// written.
pub async fn tell(tx: &mut Tx, audit: Audit, before: &Order, after: &mut Order) -> Result<bool> {
    let personal = before.buyer != after.buyer || address(before) != address(after);
    let unseen = if personal { Unseen::Personal } else { Unseen::Nothing };
    let mut changed_fields = save_fields(tx, audit, before, after, unseen).await?;
    if changed_fields.is_empty() && !personal {
        return Ok(false);
    }
    let mut also = |field: &str, differs: bool| {
        if differs && !changed_fields.iter().any(|known| known == field) {
            changed_fields.push(field.to_owned());
        }
    };
    let contact =
        |order: &Order| (order.buyer.name.clone(), order.buyer.phone.clone(), order.buyer.email.clone());
    also("contact", contact(before) != contact(after));
    also("comment", before.buyer.comment != after.buyer.comment);
    also("delivery", address(before) != address(after));
    let event = OrderChanged { order: Some(wire::snapshot(after)), changed_fields };
    events::append(tx, after.order_id, after.version, Some(after.shop_id), &event);
    Ok(true)
}

fn address(order: &Order) -> Option<&Address> {
    order.delivery.as_ref()?.address.as_ref()
}

/// The same without the event, for changes that have one of their own. Answers the changed fields; none: nothing was
/// written.
pub async fn save_quietly(
    tx: &mut Tx,
    audit: Audit,
    before: &Order,
    after: &mut Order,
) -> Result<Vec<String>> {
    save_fields(tx, audit, before, after, Unseen::Nothing).await
}

/// What differs besides the fields that history shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unseen {
    Nothing,
    Personal,
}

async fn save_fields(
    tx: &mut Tx,
    audit: Audit,
    before: &Order,
    after: &mut Order,
    unseen: Unseen,
) -> Result<Vec<String>> {
    let changes = differences(before, after);
    if changes.is_empty() && unseen == Unseen::Nothing {
        return Ok(Vec::new());
    }
    after.version = before.version + 1;
    after.update_time = tx.now();
    date_parts(tx, before, after);
    after.save(tx).await?;
    if after.deadlines != Deadlines::default() {
        after.save_terms(tx).await?;
    }

    let mut fields: Vec<String> = Vec::new();
    let mut audit = audit.shop(after.shop_id.uuid());
    for (path, old, new) in changes {
        audit = audit.change(&path, old, new);
        let field = path.split(['[', '.']).next().unwrap_or_default();
        if !fields.iter().any(|known| known == field) {
            fields.push(field.to_owned());
        }
    }
    tx.audit(audit);
    Ok(fields)
}

/// New and changed parts are of now.
fn date_parts(tx: &Tx, before: &Order, after: &mut Order) {
    for part in &mut after.fulfilments {
        match before.part(part.fulfilment_id) {
            None => (part.create_time, part.update_time) = (tx.now(), tx.now()),
            Some(old) if old != part => part.update_time = tx.now(),
            Some(_) => {}
        }
    }
}

/// A path, and what was and is there.
type Change = (String, Value, Value);

/// A field of an order, and how it is shown in history.
type Field = (&'static str, fn(&Order) -> Value);

fn differences(before: &Order, after: &Order) -> Vec<Change> {
    let fields: [Field; 23] = [
        ("number", |order| json!(order.number)),
        ("state", |order| json!(order.state.name())),
        ("status", |order| json!(order.status)),
        ("payment_status", |order| json!(order.payment_status().name())),
        ("fulfilment_status", |order| json!(order.fulfilment_status().name())),
        ("customer_id", |order| json!(order.customer_id.map(|id| id.to_string()))),
        ("paid", |order| json!(order.paid.amount())),
        ("refunded", |order| json!(order.refunded.amount())),
        ("cancel_reason", |order| json!(order.cancel_reason.map(|reason| reason.as_str()))),
        ("shipment_ids", |order| {
            json!(order.shipment_ids.iter().map(ToString::to_string).collect::<Vec<_>>())
        }),
        ("shortages", |order| json!(order.shortages.as_deref().unwrap_or_default())),
        ("goods_total", |order| json!(order.goods_total.amount())),
        ("delivery_total", |order| json!(order.delivery_total.amount())),
        ("total", |order| json!(order.total.amount())),
        ("returned_total", |order| json!(order.returned_total.amount())),
        ("balance", |order| json!(order.balance().amount())),
        ("payment_ids", |order| {
            json!(order.payment_ids().iter().map(ToString::to_string).collect::<Vec<_>>())
        }),
        ("delivery.delivery_method_id", |order| {
            json!(order.delivery.as_ref().map(|delivery| delivery.method_id.to_string()))
        }),
        ("delivery.method_name", |order| {
            json!(order.delivery.as_ref().map(|delivery| delivery.method_name.as_str()))
        }),
        ("delivery_plan_id", |order| json!(order.delivery_plan_id.map(|id| id.to_string()))),
        ("reservation_id", |order| json!(order.reservation_id.map(|id| id.to_string()))),
        ("ship_by_time", |order| json!(order.deadlines.ship_by)),
        ("pay_by_time", |order| json!(order.deadlines.pay_by)),
    ];
    let of_order = fields.into_iter().map(|(field, read)| (field.to_owned(), read(before), read(after)));
    let all = of_order.chain(lines_differences(before, after)).chain(part_differences(before, after));
    all.filter(|(_, old, new)| old != new).collect()
}

/// Line by line: what was there before, then what was added.
fn lines_differences(before: &Order, after: &Order) -> Vec<Change> {
    let find =
        |order: &Order, position: i32| order.lines.iter().find(|line| line.position == position).cloned();
    let added = after.lines.iter().filter(|line| find(before, line.position).is_none());
    let positions = before.lines.iter().chain(added).map(|line| line.position);
    positions
        .flat_map(|position| line_differences(position, find(before, position), find(after, position)))
        .collect()
}

/// A field of a line, and how it is shown in history.
type LineField = (&'static str, fn(&OrderLine) -> Value);

fn line_differences(position: i32, before: Option<OrderLine>, after: Option<OrderLine>) -> Vec<Change> {
    let fields: [LineField; 10] = [
        ("sku", |line| json!(line.sku.as_str())),
        ("name", |line| json!(line.name)),
        ("ordered", |line| json!(line.ordered)),
        ("unit_price", |line| json!(line.unit_price.money().map(types::Money::amount))),
        ("total", |line| json!(line.total.amount())),
        ("reserved", |line| json!(line.reserved)),
        ("shipped", |line| json!(line.shipped)),
        ("delivered", |line| json!(line.delivered)),
        ("cancelled", |line| json!(line.cancelled)),
        ("returned", |line| json!(line.returned)),
    ];
    let shown =
        |line: &Option<OrderLine>, read: fn(&OrderLine) -> Value| line.as_ref().map_or(Value::Null, read);
    fields
        .into_iter()
        .map(|(name, read)| (format!("lines[{position}].{name}"), shown(&before, read), shown(&after, read)))
        .collect()
}

/// A field of a part, and how it is shown in history.
type PartField = (&'static str, fn(&Fulfilment) -> Value);

fn part_differences(before: &Order, after: &Order) -> Vec<Change> {
    let fields: [PartField; 6] = [
        ("state", |part| json!(part.state.name())),
        ("lines", |part| {
            json!(
                part.lines
                    .iter()
                    .map(|line| (line.position, line.quantity, line.shipped))
                    .collect::<Vec<_>>()
            )
        }),
        ("shipment_id", |part| json!(part.shipment_id.map(|id| id.to_string()))),
        ("carrier", |part| json!(part.carrier)),
        ("tracking_number", |part| json!(part.tracking_number)),
        ("incident", |part| json!(part.incident)),
    ];
    let differences = |part: &Fulfilment| {
        let old = before.part(part.fulfilment_id).cloned();
        let (id, new) = (part.fulfilment_id, part.clone());
        fields.map(|(name, read)| {
            (format!("fulfilments[{id}].{name}"), old.as_ref().map_or(Value::Null, read), read(&new))
        })
    };
    after.fulfilments.iter().flat_map(differences).collect()
}
