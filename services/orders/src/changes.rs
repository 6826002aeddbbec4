//! Saves a changed order and tells what changed: history, and the event of the other services.

use proto::orders::v1::OrderChanged;
use serde_json::{Value, json};
use store::{Audit, Result, Tx};

use crate::model::order::Order;
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

/// The same without the event, for changes that have one of their own. Answers the changed fields; none: nothing was
/// written.
pub async fn save_quietly(
    tx: &mut Tx,
    audit: Audit,
    before: &Order,
    after: &mut Order,
) -> Result<Vec<String>> {
    let changes = differences(before, after);
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    after.version = before.version + 1;
    after.update_time = tx.now();
    after.save(tx).await?;

    let mut fields: Vec<String> = Vec::new();
    let mut audit = audit.shop(after.shop_id.uuid());
    for (path, old, new) in changes {
        audit = audit.change(&path, old, new);
        let field = path.split('[').next().unwrap_or_default();
        if !fields.iter().any(|known| known == field) {
            fields.push(field.to_owned());
        }
    }
    tx.audit(audit);
    Ok(fields)
}

/// A path, and what was and is there.
type Change = (String, Value, Value);

/// A field of an order, and how it is shown in history.
type Field = (&'static str, fn(&Order) -> Value);

fn differences(before: &Order, after: &Order) -> Vec<Change> {
    let fields: [Field; 10] = [
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
    ];
    let of_order = fields.into_iter().map(|(field, read)| (field.to_owned(), read(before), read(after)));
    let of_lines = before.lines.iter().zip(&after.lines).flat_map(|(old, new)| line_differences(old, new));
    of_order.chain(of_lines).filter(|(_, old, new)| old != new).collect()
}

fn line_differences(before: &OrderLine, after: &OrderLine) -> impl Iterator<Item = Change> {
    let position = before.position;
    let quantities: [(&str, i32, i32); 4] = [
        ("reserved", before.reserved, after.reserved),
        ("shipped", before.shipped, after.shipped),
        ("delivered", before.delivered, after.delivered),
        ("cancelled", before.cancelled, after.cancelled),
    ];
    quantities
        .into_iter()
        .map(move |(name, old, new)| (format!("lines[{position}].{name}"), json!(old), json!(new)))
}
