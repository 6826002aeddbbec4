//! Whom the processes that place and cancel orders ask, and for what.

use chrono::{DateTime, Utc};
use rpc::Call;
use tonic::Status;
use types::{DeliveryPlanId, Money, PaymentId, ReservationId};

use crate::model::order::{Identified, Order};
use crate::model::placement::{Held, Planned, Priced, Quote};
use crate::model::receipt_line::ReceiptLine;
use crate::upstreams::Upstreams;

pub use crate::upstreams::{Load, Supply};

/// The services around an order. In the product [`Upstreams`]; `tests/simulation` has others, on a network that it breaks.
/// Every step may be asked for again, and every opposite may come before, after or without its step.
pub trait Neighbours: Send + Sync + 'static {
    /// The card of the order's buyer.
    fn identify(
        &self,
        call: &Call,
        order: &Order,
        country_code: &str,
    ) -> impl Future<Output = Result<Identified, Status>> + Send;

    /// What the catalog knows of the order's lines, one for one; `None` for an unknown SKU.
    fn quote(
        &self,
        call: &Call,
        order: &Order,
    ) -> impl Future<Output = Result<Vec<Option<Quote>>, Status>> + Send;

    /// Holds the goods of an order.
    fn reserve(
        &self,
        call: &Call,
        order: &Order,
        priced: &Priced,
        supply: Supply<'_>,
    ) -> impl Future<Output = Result<Held, Status>> + Send;

    /// Gives back what is held, and sees to it that it is never held later.
    fn release(
        &self,
        call: &Call,
        reservation_id: ReservationId,
        note: &str,
    ) -> impl Future<Output = Result<(), Status>> + Send;

    /// Fixes how goods are delivered, perhaps in the slot that starts then, and for how much.
    fn plan_in_slot(
        &self,
        call: &Call,
        order: &Order,
        load: &Load<'_>,
        slot: Option<DateTime<Utc>>,
    ) -> impl Future<Output = Result<Planned, Status>> + Send;

    /// Gives up a plan and its parcel; refused when the parcel has left.
    fn cancel_delivery(
        &self,
        call: &Call,
        delivery_plan_id: DeliveryPlanId,
        reason: &str,
    ) -> impl Future<Output = Result<(), Status>> + Send;

    /// Opens what an order costs, and says what for.
    fn open_payment(
        &self,
        call: &Call,
        order: &Order,
        amount: Money,
        lines: Vec<ReceiptLine>,
    ) -> impl Future<Output = Result<PaymentId, Status>> + Send;

    /// Voids a payment, and sees to it that it is never opened later.
    fn void(
        &self,
        call: &Call,
        payment_id: PaymentId,
        reason: &str,
    ) -> impl Future<Output = Result<(), Status>> + Send;

    /// Voids all of them while nobody has begun to pay one: otherwise refused, and nothing changes. Whoever asks again for the
    /// same `cancellation` gets the same answer.
    fn void_untouched(
        &self,
        call: &Call,
        payments: &[PaymentId],
        cancellation: &str,
        reason: &str,
    ) -> impl Future<Output = Result<(), Status>> + Send;
}

impl Neighbours for Upstreams {
    async fn identify(&self, call: &Call, order: &Order, country_code: &str) -> Result<Identified, Status> {
        self.customers.identify(call, order, country_code).await
    }

    async fn quote(&self, call: &Call, order: &Order) -> Result<Vec<Option<Quote>>, Status> {
        self.catalog.quote(call, order).await
    }

    async fn reserve(
        &self,
        call: &Call,
        order: &Order,
        priced: &Priced,
        supply: Supply<'_>,
    ) -> Result<Held, Status> {
        self.inventory.reserve(call, order, priced, supply).await
    }

    async fn release(&self, call: &Call, reservation_id: ReservationId, note: &str) -> Result<(), Status> {
        self.inventory.release(call, reservation_id, note).await
    }

    async fn plan_in_slot(
        &self,
        call: &Call,
        order: &Order,
        load: &Load<'_>,
        slot: Option<DateTime<Utc>>,
    ) -> Result<Planned, Status> {
        self.delivery.plan_in_slot(call, order, load, slot).await
    }

    async fn cancel_delivery(
        &self,
        call: &Call,
        delivery_plan_id: DeliveryPlanId,
        reason: &str,
    ) -> Result<(), Status> {
        self.delivery.cancel(call, delivery_plan_id, reason).await
    }

    async fn open_payment(
        &self,
        call: &Call,
        order: &Order,
        amount: Money,
        lines: Vec<ReceiptLine>,
    ) -> Result<PaymentId, Status> {
        self.payments.open(call, order, amount, lines).await
    }

    async fn void(&self, call: &Call, payment_id: PaymentId, reason: &str) -> Result<(), Status> {
        self.payments.void(call, payment_id, reason).await
    }

    async fn void_untouched(
        &self,
        call: &Call,
        payments: &[PaymentId],
        cancellation: &str,
        reason: &str,
    ) -> Result<(), Status> {
        self.payments.void_untouched(call, payments, cancellation, reason).await
    }
}
