//! Payments and the ledger as the contract writes them.

use proto::payments::v1 as pb;
use rpc::wire::{money, time};
use types::PaymentId;

use crate::model::ledger::Entry;
use crate::model::payment::{Attempt, Method, Outcome, Payment, Refund};
use crate::model::payment_state::State;

/// A payment.
pub fn payment(payment: &Payment) -> pb::Payment {
    let terms = &payment.terms;
    pb::Payment {
        payment_id: terms.payment_id.to_string(),
        order_id: terms.order_id.to_string(),
        shop_id: terms.shop_id.to_string(),
        legal_entity_id: terms.legal_entity_id.map(String::from).unwrap_or_default(),
        method: method(terms.method).into(),
        state: state(payment.state).into(),
        amount: Some(money(terms.amount)),
        captured: Some(money(payment.captured)),
        refunded: Some(money(payment.refunded)),
        attempts: payment.attempts.iter().map(attempt).collect(),
        refunds: payment.refunds.iter().map(refund).collect(),
        instructions: payment.instructions.clone(),
        etag: payment.version.to_string(),
        create_time: Some(time(payment.create_time)),
        ..Default::default()
    }
}

/// What is known of a payment that was voided before it was opened.
pub fn tombstone(id: PaymentId) -> pb::Payment {
    pb::Payment { payment_id: id.to_string(), state: pb::PaymentState::Canceled.into(), ..Default::default() }
}

/// One side of a posting.
pub fn ledger_entry(entry: &Entry) -> pb::LedgerEntry {
    pb::LedgerEntry {
        sequence: entry.sequence,
        posting_id: entry.posting_id.to_string(),
        account: entry.account.clone(),
        debit: (!entry.debit.is_zero()).then(|| money(entry.debit)),
        credit: (!entry.credit.is_zero()).then(|| money(entry.credit)),
        payment_id: entry.payment_id.to_string(),
        order_id: entry.order_id.to_string(),
        shop_id: entry.shop_id.to_string(),
        post_time: Some(time(entry.post_time)),
    }
}

fn attempt(attempt: &Attempt) -> pb::PaymentAttempt {
    pb::PaymentAttempt {
        attempt_id: attempt.id.to_string(),
        provider: attempt.provider.clone(),
        amount: Some(money(attempt.amount)),
        outcome: outcome(attempt.outcome).into(),
        reference: attempt.reference.clone(),
        create_time: Some(time(attempt.create_time)),
        ..Default::default()
    }
}

fn refund(refund: &Refund) -> pb::Refund {
    pb::Refund {
        refund_id: refund.id.to_string(),
        amount: Some(money(refund.amount)),
        reason: refund.reason.clone(),
        create_time: Some(time(refund.create_time)),
        ..Default::default()
    }
}

const fn method(method: Method) -> pb::PaymentMethod {
    match method {
        Method::CashOnDelivery => pb::PaymentMethod::CashOnDelivery,
        Method::BankTransfer => pb::PaymentMethod::BankTransfer,
    }
}

const fn state(state: State) -> pb::PaymentState {
    match state {
        State::RequiresPayment => pb::PaymentState::RequiresPayment,
        State::RequiresAction => pb::PaymentState::RequiresAction,
        State::Processing => pb::PaymentState::Processing,
        State::PartiallyPaid => pb::PaymentState::PartiallyPaid,
        State::Succeeded => pb::PaymentState::Succeeded,
        State::Canceled => pb::PaymentState::Canceled,
    }
}

/// The state a filter asks for; unspecified asks for all.
pub const fn stored_state(state: pb::PaymentState) -> Option<State> {
    match state {
        pb::PaymentState::Unspecified => None,
        pb::PaymentState::RequiresPayment => Some(State::RequiresPayment),
        pb::PaymentState::RequiresAction => Some(State::RequiresAction),
        pb::PaymentState::Processing => Some(State::Processing),
        pb::PaymentState::PartiallyPaid => Some(State::PartiallyPaid),
        pb::PaymentState::Succeeded => Some(State::Succeeded),
        pb::PaymentState::Canceled => Some(State::Canceled),
        pb::PaymentState::Authorized => None,
    }
}

const fn outcome(outcome: Outcome) -> pb::AttemptOutcome {
    match outcome {
        Outcome::Succeeded => pb::AttemptOutcome::Succeeded,
        Outcome::Failed => pb::AttemptOutcome::Failed,
        Outcome::Unknown => pb::AttemptOutcome::Unknown,
    }
}
