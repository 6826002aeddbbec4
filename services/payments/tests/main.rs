//! Payments against a real PostgreSQL, in the words of a shop.

mod capture_payment;
mod card_shop;
mod change_payment_amount;
mod confirm_payment;
mod conformance;
mod exactly_once;
mod follow_orders;
mod get_payment;
mod invariants;
mod late_webhooks;
mod ledger;
mod list_ledger_entries;
mod list_payments;
mod notifications;
mod open_payment;
mod order_log;
mod payment_accounts;
mod payment_state;
mod providers;
mod receipts;
mod record_payment;
mod redelivered;
mod refund_card;
mod refund_payment;
mod refusing_door;
mod two_providers;
mod void_payment;

use korob_payments::Payments;
use proto::events::v1::event_log_service_server::EventLogServiceServer;
use proto::payments::v1::payment_service_client::PaymentServiceClient;
use proto::payments::v1::{self as pb, PaymentMethod};
use proto::r#type::v1::Money;
use rpc::BoundChannel;
use testing::World;
use tonic::{Response, Status};
use types::{OrderId, PaymentId, ShopId};

use crate::order_log::OrderLog;

type Answer = Result<Response<pb::Payment>, Status>;

/// A shop whose money is looked after.
pub struct Till {
    pub world: World,
    pub shop: ShopId,
    /// What orders tells.
    pub orders: OrderLog,
}

impl Till {
    pub async fn open() -> Self {
        Self::in_world(World::new().await).await
    }

    /// Where nothing may be called but the public internet.
    pub async fn behind_walls() -> Self {
        Self::in_world(World::new().await.reaching(outbound::Reach::default())).await
    }

    async fn in_world(world: World) -> Self {
        let orders = OrderLog::default();
        let world = world.stand_in("orders", EventLogServiceServer::new(orders.clone()));
        Self { world: world.start::<Payments>().await, shop: ShopId::new(), orders }
    }

    /// The suite itself.
    pub fn payments(&self) -> PaymentServiceClient<BoundChannel> {
        PaymentServiceClient::new(self.world.channel("payments"))
    }

    /// A partner of one shop with every payments scope.
    pub fn partner_of(&self, shop: ShopId) -> PaymentServiceClient<BoundChannel> {
        let caller = World::partner(&[shop], &["payments.read", "payments.write"]);
        PaymentServiceClient::new(self.world.channel_as("payments", caller))
    }

    /// A request for a bank transfer of a new order.
    pub fn bill(&self, amount: &str, currency: &str) -> pb::OpenPaymentRequest {
        pb::OpenPaymentRequest {
            payment_id: PaymentId::new().to_string(),
            order_id: OrderId::new().to_string(),
            shop_id: self.shop.to_string(),
            legal_entity_id: String::new(),
            method: PaymentMethod::BankTransfer.into(),
            amount: Some(money(amount, currency)),
            receipt_lines: Vec::new(),
        }
    }

    pub async fn bill_opened(&self, amount: &str, currency: &str) -> pb::Payment {
        let opened = self.payments().open_payment(self.bill(amount, currency)).await;
        opened.expect("opens").into_inner()
    }

    pub async fn open_payment(&self, request: &pb::OpenPaymentRequest) -> Answer {
        self.payments().open_payment(request.clone()).await
    }

    pub async fn void(&self, payment_id: &str) -> Answer {
        let reason = "the order was cancelled".to_owned();
        self.payments()
            .void_payment(pb::VoidPaymentRequest {
                payment_id: payment_id.to_owned(),
                reason,
                ..Default::default()
            })
            .await
    }

    pub async fn record(&self, payment: &pb::Payment, amount: &str, key: &str) -> Answer {
        self.payments().record_payment(receipt(payment, amount, key)).await
    }

    pub async fn refund(&self, payment: &pb::Payment, amount: &str, key: &str) -> Answer {
        self.payments().refund_payment(claim(payment, amount, key)).await
    }

    pub async fn get(&self, payment_id: &str) -> Answer {
        self.payments().get_payment(pb::GetPaymentRequest { payment_id: payment_id.to_owned() }).await
    }

    /// Debits minus credits of each account, and only those that are not zero, as `account=minor`.
    pub async fn balances(&self) -> Vec<String> {
        let sql = "SELECT account || '=' || sum(debit - credit) FROM ledger_entries
                   GROUP BY account HAVING sum(debit - credit) <> 0 ORDER BY account";
        self.texts(sql, "").await
    }

    /// The types of the events of an aggregate in order.
    pub async fn events_of(&self, id: &str) -> Vec<String> {
        let sql = "SELECT version || ' ' || split_part(type, '.', 4) FROM event_log
                   WHERE aggregate_id = $1 ORDER BY position";
        self.texts(sql, id).await
    }

    /// The actions on a resource in order.
    pub async fn history_of(&self, id: &str) -> Vec<String> {
        self.texts("SELECT action FROM audit_log WHERE resource_id = $1 ORDER BY sequence", id).await
    }

    async fn texts(&self, sql: &str, value: &str) -> Vec<String> {
        let client = self.world.database("payments").client().await;
        let rows = match sql.contains("$1") {
            true => client.query(sql, &[&value]).await,
            false => client.query(sql, &[]).await,
        };
        rows.expect("looks").iter().map(|row| row.get(0)).collect()
    }
}

pub fn money(amount: &str, currency: &str) -> Money {
    Money { amount: amount.to_owned(), currency_code: currency.to_owned() }
}

pub fn receipt(payment: &pb::Payment, amount: &str, key: &str) -> pb::RecordPaymentRequest {
    pb::RecordPaymentRequest {
        payment_id: payment.payment_id.clone(),
        amount: Some(money(amount, &currency(payment))),
        reference: format!("statement {key}"),
        idempotency_key: key.to_owned(),
    }
}

pub fn claim(payment: &pb::Payment, amount: &str, key: &str) -> pb::RefundPaymentRequest {
    pb::RefundPaymentRequest {
        payment_id: payment.payment_id.clone(),
        amount: Some(money(amount, &currency(payment))),
        reason: "returned".to_owned(),
        receipt_lines: Vec::new(),
        idempotency_key: key.to_owned(),
    }
}

fn currency(payment: &pb::Payment) -> String {
    payment.amount.as_ref().expect("an amount").currency_code.clone()
}

/// `amount captured refunded` without the currency.
pub fn sums(payment: &pb::Payment) -> String {
    let amount = |money: &Option<Money>| money.as_ref().map(|money| money.amount.clone()).unwrap_or_default();
    format!("{} {} {}", amount(&payment.amount), amount(&payment.captured), amount(&payment.refunded))
}
