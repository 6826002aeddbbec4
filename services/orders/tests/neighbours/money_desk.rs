//! The stand-in of payments: intents, what came in, what was given back.

use std::collections::BTreeMap;

use proto::payments::v1 as pb;
use rpc::Fault;
use tonic::{Code, Status};

use super::{State, absent, refused};

#[derive(Clone, Default)]
pub struct Payment {
    pub order_id: String,
    pub method: i32,
    pub amount: i64,
    pub captured: i64,
    pub refunded: i64,
    pub voided: bool,
    pub revision: i32,
    /// How tries to pay stand.
    pub attempts: Vec<pb::AttemptOutcome>,
    /// By idempotency key.
    pub refunds: BTreeMap<String, i64>,
    /// What its receipts say.
    pub receipt_lines: Vec<pb::ReceiptLine>,
}

impl Payment {
    fn is_touched(&self) -> bool {
        let over = [pb::AttemptOutcome::Failed, pb::AttemptOutcome::Released, pb::AttemptOutcome::Returned];
        self.captured > 0 || self.attempts.iter().any(|outcome| !over.contains(outcome))
    }

    /// As the contract shows it.
    pub fn shown(&self, payment_id: &str) -> pb::Payment {
        let money = |minor: i64| Some(rpc::wire::money(types::Money::new("UAH".parse().unwrap(), minor)));
        let attempt = |outcome: &pb::AttemptOutcome| pb::PaymentAttempt {
            outcome: (*outcome).into(),
            ..Default::default()
        };
        let state = match (self.voided, self.captured) {
            (true, _) => pb::PaymentState::Canceled,
            (false, 0) => pb::PaymentState::RequiresPayment,
            (false, captured) if captured < self.amount => pb::PaymentState::PartiallyPaid,
            (false, _) => pb::PaymentState::Succeeded,
        };
        pb::Payment {
            payment_id: payment_id.to_owned(),
            order_id: self.order_id.clone(),
            method: self.method,
            state: state.into(),
            amount: money(self.amount),
            captured: money(self.captured),
            refunded: money(self.refunded),
            attempts: self.attempts.iter().map(attempt).collect(),
            amount_revision: self.revision,
            ..Default::default()
        }
    }
}

impl State {
    pub(super) fn open(&mut self, request: pb::OpenPaymentRequest) -> Result<pb::Payment, Status> {
        let amount = minor(request.amount.as_ref());
        let new = Payment {
            order_id: request.order_id,
            method: request.method,
            amount,
            receipt_lines: request.receipt_lines,
            ..Default::default()
        };
        let payment = self.payments.entry(request.payment_id.clone()).or_insert(new);
        if payment.voided {
            return Err(refused("PAYMENT_VOIDED"));
        }
        Ok(payment.shown(&request.payment_id))
    }

    pub(super) fn void(&mut self, request: pb::VoidPaymentRequest) -> Result<pb::Payment, Status> {
        let ids: Vec<&String> = request.also_payment_ids.iter().chain([&request.payment_id]).collect();
        let touched =
            |id: &&String| self.payments.get(*id).is_some_and(|one| !one.voided && one.is_touched());
        let cancellation = &request.cancellation_id;
        if request.only_untouched && cancellation.is_empty() {
            return Err(Status::invalid_argument("cancellation_id is required"));
        }
        let refused_before = self.refused_cancellations.contains(cancellation);
        if request.only_untouched && (refused_before || ids.iter().any(touched)) {
            self.refused_cancellations.insert(cancellation.clone());
            return Err(refused("PAYMENT_TOUCHED"));
        }
        for id in ids {
            let payment = self.payments.entry(id.clone()).or_default();
            payment.voided = true;
            payment.refunded = payment.captured;
        }
        Ok(self.payments[&request.payment_id].shown(&request.payment_id))
    }

    pub(super) fn get_payment(&mut self, request: pb::GetPaymentRequest) -> Result<pb::Payment, Status> {
        let payment = self.payments.get(&request.payment_id).ok_or_else(|| absent("PAYMENT_NOT_FOUND"))?;
        Ok(payment.shown(&request.payment_id))
    }

    pub(super) fn change_amount(
        &mut self,
        request: pb::ChangePaymentAmountRequest,
    ) -> Result<pb::Payment, Status> {
        let amount = minor(request.amount.as_ref());
        let payment =
            self.payments.get_mut(&request.payment_id).ok_or_else(|| absent("PAYMENT_NOT_FOUND"))?;
        if request.revision < payment.revision {
            return Err(Fault::new(Code::Aborted, "STALE_REVISION", "a later change was made").into());
        }
        if request.revision > payment.revision {
            match () {
                () if payment.voided => return Err(refused("PAYMENT_VOIDED")),
                () if amount < payment.captured => return Err(refused("BELOW_CAPTURED")),
                () if amount == 0 => return Err(Status::invalid_argument("a payment is of something")),
                () => {}
            }
            (payment.revision, payment.amount) = (request.revision, amount);
            payment.receipt_lines = request.receipt_lines;
        }
        Ok(payment.shown(&request.payment_id))
    }

    pub(super) fn refund(&mut self, request: pb::RefundPaymentRequest) -> Result<pb::Payment, Status> {
        let amount = minor(request.amount.as_ref());
        let payment =
            self.payments.get_mut(&request.payment_id).ok_or_else(|| absent("PAYMENT_NOT_FOUND"))?;
        match payment.refunds.get(&request.idempotency_key) {
            Some(known) if *known == amount => return Ok(payment.shown(&request.payment_id)),
            Some(_) => return Err(refused("IDEMPOTENCY_KEY_REUSED")),
            None if amount <= 0 || payment.refunded + amount > payment.captured => {
                return Err(refused("REFUND_ABOVE_CAPTURED"));
            }
            None => {}
        }
        payment.refunds.insert(request.idempotency_key, amount);
        payment.refunded += amount;
        Ok(payment.shown(&request.payment_id))
    }
}

fn minor(money: Option<&proto::r#type::v1::Money>) -> i64 {
    let Some(money) = money else { return 0 };
    types::Money::parse(&money.amount, money.currency_code.parse().unwrap()).unwrap().minor()
}
