//! Asks payments to open what an order costs, to change, refund and void it.

use proto::payments::v1 as pb;
use proto::payments::v1::payment_service_client::PaymentServiceClient;
use rpc::{Call, Channel};
use tonic::{Code, Status};
use types::{Currency, Money, PaymentId};

use crate::model::order::Order;
use crate::model::order_payment::OrderPayment;
use crate::model::origin::PaymentMethod;
use crate::model::receipt_line::ReceiptLine;
use crate::wire;

/// The money.
#[derive(Clone)]
pub struct Payments(Channel);

/// Whether a payment that took nothing may be given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touched {
    /// Nobody has begun to pay, or the try failed.
    Untouched,
    /// Money is reserved, taken, or may be.
    Touched,
}

impl Payments {
    pub(super) fn new(channel: Channel) -> Self {
        Self(channel)
    }

    /// Opens what an order costs, and says what for. A repeat answers the payment.
    pub async fn open(
        &self,
        call: &Call,
        order: &Order,
        amount: Money,
        lines: Vec<ReceiptLine>,
    ) -> Result<PaymentId, Status> {
        let receipt_lines = lines.into_iter().map(wire::receipt_line).collect();
        self.open_for(call, order, order.own_payment_id(), amount, receipt_lines).await
    }

    /// Opens under another id what is owed besides for an order that was placed.
    pub async fn open_as(
        &self,
        call: &Call,
        order: &Order,
        payment_id: PaymentId,
        amount: Money,
    ) -> Result<PaymentId, Status> {
        self.open_for(call, order, payment_id, amount, wire::receipt_lines(order)).await
    }

    async fn open_for(
        &self,
        call: &Call,
        order: &Order,
        payment_id: PaymentId,
        amount: Money,
        receipt_lines: Vec<pb::ReceiptLine>,
    ) -> Result<PaymentId, Status> {
        let method = match order.payment_method {
            PaymentMethod::CashOnDelivery => pb::PaymentMethod::CashOnDelivery,
            PaymentMethod::BankTransfer => pb::PaymentMethod::BankTransfer,
            PaymentMethod::Card => pb::PaymentMethod::Card,
        };
        let request = pb::OpenPaymentRequest {
            payment_id: payment_id.to_string(),
            order_id: order.order_id.to_string(),
            shop_id: order.shop_id.to_string(),
            legal_entity_id: order.legal_entity_id.map(String::from).unwrap_or_default(),
            method: method.into(),
            amount: Some(rpc::wire::money(amount)),
            receipt_lines,
        };
        PaymentServiceClient::new(self.0.bind(call)).open_payment(request).await?;
        Ok(payment_id)
    }

    /// Changes what is to be paid for an order as it becomes, while nothing was taken. A repeat of the same revision changes
    /// nothing.
    pub async fn change_amount(
        &self,
        call: &Call,
        order: &Order,
        payment_id: PaymentId,
        revision: i32,
        amount: Money,
    ) -> Result<(), Status> {
        let request = pb::ChangePaymentAmountRequest {
            payment_id: payment_id.to_string(),
            revision,
            amount: Some(rpc::wire::money(amount)),
            receipt_lines: wire::receipt_lines(order),
        };
        PaymentServiceClient::new(self.0.bind(call)).change_payment_amount(request).await?;
        Ok(())
    }

    /// Gives money back; a repeat of the same key answers the payment.
    pub async fn refund(
        &self,
        call: &Call,
        payment_id: PaymentId,
        amount: Money,
        reason: &str,
        key: &str,
    ) -> Result<(), Status> {
        let request = pb::RefundPaymentRequest {
            payment_id: payment_id.to_string(),
            amount: Some(rpc::wire::money(amount)),
            reason: reason.to_owned(),
            idempotency_key: key.to_owned(),
            ..Default::default()
        };
        PaymentServiceClient::new(self.0.bind(call)).refund_payment(request).await?;
        Ok(())
    }

    /// A payment, if payments knows it.
    pub async fn find(&self, call: &Call, payment_id: PaymentId) -> Result<Option<pb::Payment>, Status> {
        let request = pb::GetPaymentRequest { payment_id: payment_id.to_string() };
        match PaymentServiceClient::new(self.0.bind(call)).get_payment(request).await {
            Ok(payment) => Ok(Some(payment.into_inner())),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(status),
        }
    }

    /// Whether money was reserved or taken, or may have been.
    pub async fn touched(&self, call: &Call, payment_id: PaymentId) -> Result<Touched, Status> {
        let request = pb::GetPaymentRequest { payment_id: payment_id.to_string() };
        let payment = PaymentServiceClient::new(self.0.bind(call)).get_payment(request).await?.into_inner();
        let undecided = payment.attempts.iter().any(|attempt| match attempt.outcome() {
            pb::AttemptOutcome::Failed | pb::AttemptOutcome::Released | pb::AttemptOutcome::Returned => false,
            pb::AttemptOutcome::Unspecified
            | pb::AttemptOutcome::Succeeded
            | pb::AttemptOutcome::Unknown
            | pb::AttemptOutcome::RequiresAction
            | pb::AttemptOutcome::Processing
            | pb::AttemptOutcome::Authorized => true,
        });
        let waits = match payment.state() {
            pb::PaymentState::RequiresPayment | pb::PaymentState::Canceled => true,
            pb::PaymentState::Unspecified
            | pb::PaymentState::RequiresAction
            | pb::PaymentState::Processing
            | pb::PaymentState::PartiallyPaid
            | pb::PaymentState::Succeeded
            | pb::PaymentState::Authorized => false,
        };
        Ok(if waits && !undecided { Touched::Untouched } else { Touched::Touched })
    }

    /// Voids a payment; an unknown id is remembered there, so that it can never be opened later.
    pub async fn void(&self, call: &Call, payment_id: PaymentId, reason: &str) -> Result<(), Status> {
        let (payment_id, reason) = (payment_id.to_string(), reason.to_owned());
        self.send_void(call, pb::VoidPaymentRequest { payment_id, reason, ..Default::default() }).await
    }

    /// Voids all of them while nobody has begun to pay one: otherwise refused, and nothing changes. Whoever asks again for the
    /// same `cancellation` gets the same answer, whatever has become of the payments.
    pub async fn void_untouched(
        &self,
        call: &Call,
        payments: &[PaymentId],
        cancellation: &str,
        reason: &str,
    ) -> Result<(), Status> {
        let Some((first, others)) = payments.split_first() else { return Ok(()) };
        let request = pb::VoidPaymentRequest {
            payment_id: first.to_string(),
            also_payment_ids: others.iter().map(PaymentId::to_string).collect(),
            reason: reason.to_owned(),
            only_untouched: true,
            cancellation_id: cancellation.to_owned(),
        };
        self.send_void(call, request).await
    }

    async fn send_void(&self, call: &Call, request: pb::VoidPaymentRequest) -> Result<(), Status> {
        PaymentServiceClient::new(self.0.bind(call)).void_payment(request).await?;
        Ok(())
    }
}

/// What a payment took, as it is kept on its order.
pub fn read_payment(payment: &pb::Payment, currency: Currency) -> anyhow::Result<OrderPayment> {
    let minor = |money: Option<&proto::r#type::v1::Money>| -> anyhow::Result<i64> {
        // An absent sum is nothing.
        let Some(money) = money else { return Ok(0) };
        anyhow::ensure!(money.currency_code == currency.code(), "the payment is in {}", money.currency_code);
        Ok(Money::parse(&money.amount, currency)?.minor())
    };
    let payment_id: PaymentId = payment.payment_id.parse()?;
    let paid = minor(payment.captured.as_ref())?;
    Ok(OrderPayment {
        payment_id: payment_id.uuid(),
        revision: payment.amount_revision,
        // Nothing more can come in for one that is given up.
        amount: match payment.state() {
            pb::PaymentState::Canceled => paid,
            _ => minor(payment.amount.as_ref())?,
        },
        paid,
        refunded: minor(payment.refunded.as_ref())?,
    })
}
