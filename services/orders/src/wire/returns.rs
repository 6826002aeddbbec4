//! Returns as the contract shows them.

use proto::orders::v1 as pb;
use rpc::wire::{money, time};
use types::{LineId, Money, PaymentId};

use crate::model::return_credit::ReturnRefund;
use crate::model::return_state::ReturnState;
use crate::model::returns::{Disposition, Found, Return, ReturnLine};
use crate::wire::text;

/// The whole return.
pub fn whole(one: &Return) -> pb::Return {
    pb::Return {
        return_id: one.return_id.to_string(),
        shop_id: one.shop_id.to_string(),
        order_id: text(one.order_id),
        customer_id: text(one.customer_id),
        state: state(one.state).into(),
        lines: one.lines.iter().map(|each| line(one, each)).collect(),
        comment: one.comment.clone(),
        explanation: one.explanation.clone(),
        carrier: one.carrier.clone(),
        tracking_number: one.tracking_number.clone(),
        warehouse_id: text(one.warehouse_id),
        amount: Some(money(one.amount)),
        credited_total: Some(money(credited(one))),
        refunds: refunds(one),
        etag: etag(one),
        create_time: Some(time(one.create_time)),
        update_time: Some(time(one.update_time)),
    }
}

/// What changes whenever the return does.
pub fn etag(one: &Return) -> String {
    one.version.to_string()
}

/// The return for other services: nothing personal.
pub fn snapshot(one: &Return) -> pb::ReturnSnapshot {
    let line = |line: &ReturnLine| pb::ReturnLineSnapshot {
        line_id: line_id(one, line),
        sku: line.sku.to_string(),
        quantity: line.quantity,
        reason: line.reason.to_string(),
        received: line.found(),
    };
    pb::ReturnSnapshot {
        return_id: one.return_id.to_string(),
        shop_id: one.shop_id.to_string(),
        order_id: text(one.order_id),
        customer_id: text(one.customer_id),
        state: state(one.state).into(),
        lines: one.lines.iter().map(line).collect(),
        amount: Some(money(one.amount)),
        credited_total: Some(money(credited(one))),
        refunds: refunds(one),
        create_time: Some(time(one.create_time)),
    }
}

/// A state of the contract; `None` for none.
pub fn read_state(state: pb::ReturnState) -> Option<ReturnState> {
    match state {
        pb::ReturnState::Unspecified => None,
        pb::ReturnState::Requested => Some(ReturnState::Requested),
        pb::ReturnState::Approved => Some(ReturnState::Approved),
        pb::ReturnState::Refused => Some(ReturnState::Refused),
        pb::ReturnState::InTransit => Some(ReturnState::InTransit),
        pb::ReturnState::Received => Some(ReturnState::Received),
        pb::ReturnState::Resolved => Some(ReturnState::Resolved),
        pb::ReturnState::Cancelled => Some(ReturnState::Cancelled),
    }
}

/// A disposition of the contract; `None` for none.
pub fn read_disposition(disposition: pb::ReturnDisposition) -> Option<Disposition> {
    match disposition {
        pb::ReturnDisposition::Unspecified => None,
        pb::ReturnDisposition::Sellable => Some(Disposition::Sellable),
        pb::ReturnDisposition::Quarantine => Some(Disposition::Quarantine),
        pb::ReturnDisposition::WriteOff => Some(Disposition::WriteOff),
    }
}

/// Until it is resolved, nothing is credited: what is about to be may still be refused.
fn credited(one: &Return) -> Money {
    match one.state {
        ReturnState::Resolved => one.credited_total,
        _ => Money::zero(one.currency),
    }
}

fn state(state: ReturnState) -> pb::ReturnState {
    match state {
        ReturnState::Requested => pb::ReturnState::Requested,
        ReturnState::Approved => pb::ReturnState::Approved,
        ReturnState::Refused => pb::ReturnState::Refused,
        ReturnState::InTransit => pb::ReturnState::InTransit,
        ReturnState::Received => pb::ReturnState::Received,
        ReturnState::Resolved => pb::ReturnState::Resolved,
        ReturnState::Cancelled => pb::ReturnState::Cancelled,
    }
}

fn line(one: &Return, line: &ReturnLine) -> pb::ReturnLine {
    let found = |found: &Found| pb::ReceivedUnits {
        position: line.position,
        quantity: found.quantity,
        disposition: match found.disposition {
            Disposition::Sellable => pb::ReturnDisposition::Sellable,
            Disposition::Quarantine => pb::ReturnDisposition::Quarantine,
            Disposition::WriteOff => pb::ReturnDisposition::WriteOff,
        }
        .into(),
        note: found.note.clone(),
    };
    pb::ReturnLine {
        line_id: line_id(one, line),
        sku: line.sku.to_string(),
        quantity: line.quantity,
        reason: line.reason.to_string(),
        photo_urls: line.photo_urls.clone(),
        note: line.note.clone(),
        received: line.received.iter().flatten().map(found).collect(),
    }
}

fn line_id(one: &Return, line: &ReturnLine) -> String {
    let of_order = one.order_id.zip(line.order_position);
    of_order
        .map(|(order_id, at)| LineId::derived(order_id.uuid(), at.unsigned_abs()).to_string())
        .unwrap_or_default()
}

fn refunds(one: &Return) -> Vec<pb::ReturnRefund> {
    let refund = |refund: &ReturnRefund| pb::ReturnRefund {
        payment_id: PaymentId::from_uuid(refund.payment_id).to_string(),
        amount: Some(money(Money::new(one.currency, refund.amount))),
    };
    one.refunds.iter().map(refund).collect()
}
