//! Asks payments to open what an order costs, and to void it.

use proto::payments::v1 as pb;
use proto::payments::v1::payment_service_client::PaymentServiceClient;
use rpc::{Call, Channel};
use tonic::Status;
use types::{Money, PaymentId};

use crate::model::order::Order;
use crate::model::origin::PaymentMethod;

/// The money.
#[derive(Clone)]
pub struct Payments(Channel);

impl Payments {
    pub(super) fn new(channel: Channel) -> Self {
        Self(channel)
    }

    /// Opens what an order costs. A repeat answers the payment.
    pub async fn open(&self, call: &Call, order: &Order, amount: Money) -> Result<PaymentId, Status> {
        let payment_id = order.own_payment_id();
        let method = match order.payment_method {
            PaymentMethod::CashOnDelivery => pb::PaymentMethod::CashOnDelivery,
            PaymentMethod::BankTransfer => pb::PaymentMethod::BankTransfer,
        };
        let request = pb::OpenPaymentRequest {
            payment_id: payment_id.to_string(),
            order_id: order.order_id.to_string(),
            shop_id: order.shop_id.to_string(),
            legal_entity_id: order.legal_entity_id.map(String::from).unwrap_or_default(),
            method: method.into(),
            amount: Some(rpc::wire::money(amount)),
            receipt_lines: Vec::new(),
        };
        PaymentServiceClient::new(self.0.bind(call)).open_payment(request).await?;
        Ok(payment_id)
    }

    /// Voids a payment; an unknown id is remembered there, so that it can never be opened later.
    pub async fn void(&self, call: &Call, payment_id: PaymentId, reason: &str) -> Result<(), Status> {
        let request =
            pb::VoidPaymentRequest { payment_id: payment_id.to_string(), reason: reason.to_owned() };
        PaymentServiceClient::new(self.0.bind(call)).void_payment(request).await?;
        Ok(())
    }
}
