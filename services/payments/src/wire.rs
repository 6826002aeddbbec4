//! Payments, accounts, receipts and the ledger as the contract writes them.

use proto::payments::v1 as pb;
use rpc::wire::{money, time};
use types::PaymentId;

use crate::model::account::{Account, Kind};
use crate::model::attempt::{Attempt, Outcome};
use crate::model::ledger::Entry;
use crate::model::notification::{Notification, NotificationState};
use crate::model::payment::{Method, Payment};
use crate::model::payment_state::State;
use crate::model::receipt::{Receipt, ReceiptKind, ReceiptState};
use crate::model::receipt_line::ReceiptLine;
use crate::model::refund::{Refund, RefundState};

/// A payment for whoever may act on it.
pub fn payment(payment: &Payment) -> pb::Payment {
    let redirect = payment.live_attempt().and_then(|live| live.charge.as_ref());
    let redirect = redirect.filter(|_| payment.state == State::RequiresAction);
    let next_action = redirect.map(|charge| pb::NextAction { redirect_url: charge.redirect_url.clone() });
    pb::Payment { next_action, ..snapshot(payment) }
}

/// A payment for the log: without the page on which its buyer pays.
pub fn snapshot(payment: &Payment) -> pb::Payment {
    let terms = &payment.terms;
    pb::Payment {
        payment_id: terms.payment_id.to_string(),
        order_id: terms.order_id.to_string(),
        shop_id: terms.shop_id.to_string(),
        legal_entity_id: terms.legal_entity_id.map(String::from).unwrap_or_default(),
        method: method(terms.method).into(),
        state: state(payment.state).into(),
        amount: Some(money(payment.amount)),
        captured: Some(money(payment.captured)),
        refunded: Some(money(payment.refunded)),
        attempts: payment.attempts.iter().map(attempt).collect(),
        refunds: payment.refunds.iter().map(refund).collect(),
        instructions: payment.instructions.clone(),
        etag: payment.version.to_string(),
        create_time: Some(time(payment.create_time)),
        authorized: Some(money(payment.authorized)),
        next_action: None,
        amount_revision: payment.amount_revision,
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

/// An account, without its credentials.
pub fn account(account: &Account) -> pb::PaymentAccount {
    let capture_mode = match account.automatic {
        true => pb::CaptureMode::Automatic,
        false => pb::CaptureMode::Manual,
    };
    pb::PaymentAccount {
        provider_account_id: account.id.to_string(),
        shop_id: account.shop.to_string(),
        kind: kind(account.kind).into(),
        name: account.name.clone(),
        base_url: account.base_url.clone(),
        credentials: Default::default(),
        capture_mode: capture_mode.into(),
        priority: account.priority,
        enabled: account.enabled,
        currency_codes: account.currencies.iter().map(|currency| currency.code().to_owned()).collect(),
        settings: account.settings.clone(),
        etag: account.version.to_string(),
        create_time: Some(time(account.create_time)),
        credential_names: account.credential_names.clone(),
    }
}

/// What a provider told, without its words.
pub fn notification(notification: &Notification) -> pb::ProviderNotification {
    let state = match notification.state {
        NotificationState::Pending => pb::NotificationState::Pending,
        NotificationState::Applied => pb::NotificationState::Applied,
        NotificationState::Ignored => pb::NotificationState::Ignored,
        NotificationState::Unmatched => pb::NotificationState::Unmatched,
        NotificationState::Failed => pb::NotificationState::Failed,
    };
    pb::ProviderNotification {
        notification_id: notification.id.to_string(),
        provider_account_id: notification.account.to_string(),
        shop_id: notification.shop.to_string(),
        r#type: notification.kind.clone(),
        provider_reference: notification.reference.clone(),
        state: state.into(),
        failure_code: notification.failure_code.clone(),
        deliveries: notification.deliveries,
        payment_id: notification.payment.map(String::from).unwrap_or_default(),
        receive_time: Some(time(notification.receive_time)),
        apply_time: notification.apply_time.map(time),
    }
}

/// A fiscal receipt.
pub fn receipt(receipt: &Receipt) -> pb::Receipt {
    let kind = match receipt.kind {
        ReceiptKind::Sale => pb::ReceiptKind::Sale,
        ReceiptKind::Refund => pb::ReceiptKind::Refund,
    };
    let state = match receipt.state {
        ReceiptState::Queued => pb::ReceiptState::Queued,
        ReceiptState::Sent => pb::ReceiptState::Sent,
        ReceiptState::Done => pb::ReceiptState::Done,
        ReceiptState::Failed => pb::ReceiptState::Failed,
    };
    pb::Receipt {
        receipt_id: receipt.id.to_string(),
        payment_id: receipt.payment.to_string(),
        order_id: receipt.order.to_string(),
        shop_id: receipt.shop.to_string(),
        provider_account_id: receipt.account.to_string(),
        kind: kind.into(),
        cause_id: receipt.cause.clone(),
        amount: Some(money(receipt.amount)),
        lines: receipt.lines.iter().map(receipt_line).collect(),
        state: state.into(),
        failure_code: receipt.failure_code.clone(),
        registrar_reference: receipt.reference.clone(),
        fiscal_storage: receipt.fiscal.storage.clone(),
        fiscal_document: receipt.fiscal.document.clone(),
        fiscal_sign: receipt.fiscal.sign.clone(),
        create_time: Some(time(receipt.create_time)),
        settle_time: receipt.settle_time.map(time),
    }
}

fn receipt_line(line: &ReceiptLine) -> pb::ReceiptLine {
    pb::ReceiptLine {
        name: line.name.clone(),
        quantity: line.quantity,
        amount: Some(money(line.amount)),
        tax_code: line.tax_code.clone(),
    }
}

fn attempt(attempt: &Attempt) -> pb::PaymentAttempt {
    let charge = attempt.charge.as_ref();
    pb::PaymentAttempt {
        attempt_id: attempt.id.to_string(),
        provider: attempt.provider.clone(),
        amount: Some(money(attempt.amount)),
        outcome: outcome(attempt.outcome).into(),
        reference: attempt.reference.clone(),
        create_time: Some(time(attempt.create_time)),
        provider_account_id: charge.map(|charge| charge.account.to_string()).unwrap_or_default(),
        failure_code: charge.map(|charge| charge.failure_code.clone()).unwrap_or_default(),
        captured: Some(money(attempt.captured)),
    }
}

fn refund(refund: &Refund) -> pb::Refund {
    let state = match refund.state {
        RefundState::Pending => pb::RefundState::Pending,
        RefundState::Succeeded => pb::RefundState::Succeeded,
        RefundState::Failed => pb::RefundState::Failed,
    };
    pb::Refund {
        refund_id: refund.id.to_string(),
        amount: Some(money(refund.amount)),
        reason: refund.reason.clone(),
        create_time: Some(time(refund.create_time)),
        state: state.into(),
        failure_code: refund.failure_code.clone(),
        surplus: refund.surplus,
    }
}

const fn method(method: Method) -> pb::PaymentMethod {
    match method {
        Method::CashOnDelivery => pb::PaymentMethod::CashOnDelivery,
        Method::BankTransfer => pb::PaymentMethod::BankTransfer,
        Method::Card => pb::PaymentMethod::Card,
    }
}

const fn kind(kind: Kind) -> pb::ProviderKind {
    match kind {
        Kind::KorobCard => pb::ProviderKind::KorobCard,
        Kind::Yookassa => pb::ProviderKind::Yookassa,
        Kind::Stripe => pb::ProviderKind::Stripe,
        Kind::Atol => pb::ProviderKind::Atol,
    }
}

const fn state(state: State) -> pb::PaymentState {
    match state {
        State::RequiresPayment => pb::PaymentState::RequiresPayment,
        State::RequiresAction => pb::PaymentState::RequiresAction,
        State::Processing => pb::PaymentState::Processing,
        State::Authorized => pb::PaymentState::Authorized,
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
        pb::PaymentState::Authorized => Some(State::Authorized),
        pb::PaymentState::PartiallyPaid => Some(State::PartiallyPaid),
        pb::PaymentState::Succeeded => Some(State::Succeeded),
        pb::PaymentState::Canceled => Some(State::Canceled),
    }
}

const fn outcome(outcome: Outcome) -> pb::AttemptOutcome {
    match outcome {
        Outcome::Unknown => pb::AttemptOutcome::Unknown,
        Outcome::RequiresAction => pb::AttemptOutcome::RequiresAction,
        Outcome::Processing => pb::AttemptOutcome::Processing,
        Outcome::Authorized => pb::AttemptOutcome::Authorized,
        Outcome::Succeeded => pb::AttemptOutcome::Succeeded,
        Outcome::Failed => pb::AttemptOutcome::Failed,
        Outcome::Released => pb::AttemptOutcome::Released,
        Outcome::Returned => pb::AttemptOutcome::Returned,
    }
}
