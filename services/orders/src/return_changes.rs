//! Saves a changed return and tells what changed: history, and the event of the other services.

use proto::orders::v1 as pb;
use serde_json::{Value, json};
use store::{Audit, Result, Tx};

use crate::model::return_state::ReturnState;
use crate::model::returns::{Return, ReturnLine};
use crate::wire;

/// Writes a new return. `action` names it in the history.
pub async fn insert(tx: &mut Tx, action: &'static str, new: &mut Return) -> Result<()> {
    new.version = 1;
    (new.create_time, new.update_time) = (tx.now(), tx.now());
    new.insert(tx).await?;
    let mut audit = Audit::new(action, new.return_id).shop(new.shop_id.uuid());
    for (field, read) in FIELDS {
        audit = audit.set(field, read(new));
    }
    for line in &new.lines {
        let field = format!("lines[{}]", line.position);
        let shown =
            json!({ "sku": line.sku.as_str(), "quantity": line.quantity, "reason": line.reason.as_str() });
        audit = audit.set(&field, shown);
    }
    tx.audit(audit.personal(&person(new), "comment", "", &new.comment));
    tell(tx, new);
    Ok(())
}

/// Saves `after`, and publishes the event of the state that it has come to. `action` names it in the history.
pub async fn save(tx: &mut Tx, action: &'static str, before: &Return, after: &mut Return) -> Result<()> {
    after.version = before.version + 1;
    after.update_time = tx.now();
    after.save(tx).await?;
    let mut audit = Audit::new(action, after.return_id).shop(after.shop_id.uuid());
    for (field, read) in FIELDS {
        audit = audit.change(field, read(before), read(after));
    }
    for (old, new) in before.lines.iter().zip(&after.lines) {
        audit = audit.change(&format!("lines[{}].received", new.position), received(old), received(new));
    }
    tx.audit(audit.personal(&person(after), "explanation", &before.explanation, &after.explanation));
    if before.state != after.state {
        tell(tx, after);
    }
    Ok(())
}

/// A field of a return, and how it is shown in history.
type Field = (&'static str, fn(&Return) -> Value);

const FIELDS: [Field; 9] = [
    ("state", |one| json!(one.state.name())),
    ("order_id", |one| json!(one.order_id.map(|id| id.to_string()))),
    ("customer_id", |one| json!(one.customer_id.map(|id| id.to_string()))),
    ("carrier", |one| json!(one.carrier)),
    ("tracking_number", |one| json!(one.tracking_number)),
    ("warehouse_id", |one| json!(one.warehouse_id.map(|id| id.to_string()))),
    ("amount", |one| json!(one.amount.amount())),
    ("credited_total", |one| json!(one.credited_total.amount())),
    ("refunds", |one| json!(one.refunds)),
];

/// Units and what becomes of them, without what people wrote.
fn received(line: &ReturnLine) -> Value {
    let found = line.received.iter().flatten();
    json!(found.map(|found| json!([found.quantity, found.disposition])).collect::<Vec<_>>())
}

fn person(one: &Return) -> String {
    one.customer_id.map_or_else(|| one.return_id.to_string(), |id| id.to_string())
}

fn tell(tx: &mut Tx, one: &Return) {
    let r#return = Some(wire::returns::snapshot(one));
    let (id, version, shop) = (one.return_id, one.version, Some(one.shop_id));
    match one.state {
        ReturnState::Requested => {
            events::append(tx, id, version, shop, &pb::ReturnRequested { r#return });
        }
        ReturnState::Approved => events::append(tx, id, version, shop, &pb::ReturnApproved { r#return }),
        ReturnState::Refused => events::append(tx, id, version, shop, &pb::ReturnRefused { r#return }),
        ReturnState::InTransit => events::append(tx, id, version, shop, &pb::ReturnDispatched { r#return }),
        ReturnState::Received => events::append(tx, id, version, shop, &pb::ReturnReceived { r#return }),
        ReturnState::Resolved => events::append(tx, id, version, shop, &pb::ReturnResolved { r#return }),
        ReturnState::Cancelled => events::append(tx, id, version, shop, &pb::ReturnCancelled { r#return }),
    }
}
