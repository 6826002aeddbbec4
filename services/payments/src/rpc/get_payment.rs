//! Returns one payment.

use proto::payments::v1 as pb;
use rpc::{Call, Fields};
use types::PaymentId;

use crate::error::{Error, Result};
use crate::model::payment::Payment;
use crate::model::payment_rows::{self, Stored};
use crate::{Payments, wire};

pub async fn handle(payments: &Payments, call: &Call, request: pb::GetPaymentRequest) -> Result<pb::Payment> {
    let mut fields = Fields::new();
    let id = fields.parse("payment_id", &request.payment_id);
    let id = fields.finish_with(id)?;

    Ok(wire::payment(&find_visible(payments, call, id).await?))
}

/// The payment, when the caller sees its shop.
pub async fn find_visible(payments: &Payments, call: &Call, id: PaymentId) -> Result<Payment> {
    let found = payment_rows::snapshot(&mut *payments.store.connection().await?, id).await?;
    let payment = found.and_then(Stored::payment);
    payment.filter(|payment| call.caller.shops.allow(payment.terms.shop_id)).ok_or(Error::PaymentNotFound)
}
