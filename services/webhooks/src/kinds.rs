//! Which changes partners are told of, under which names, and what of them.
//!
//! What is not listed here stays inside. A kind is listed together with what it shows, so a new event is told only once
//! somebody has decided that it may be.

use std::sync::LazyLock;

use prost::{DecodeError, Message, Name};
use proto::access::v1 as access;
use proto::catalog::v1 as catalog;
use proto::customers::v1 as customers;
use proto::delivery::v1 as delivery;
use proto::inventory::v1 as inventory;
use proto::orders::v1 as orders;
use proto::payments::v1 as payments;
use proto::webhooks::v1::{DeliveryPlanState, EventData, StockChange};

/// The type of what only tries an endpoint out.
pub(crate) const PING: &str = "webhook.ping";

/// Makes of an event's body what partners are told.
type Reading = dyn Fn(&[u8]) -> Result<EventData, DecodeError> + Send + Sync;

/// A kind of change that partners can be told of.
pub(crate) struct EventKind {
    /// Such as `order.placed`.
    pub(crate) name: &'static str,
    /// The service in whose log it stands; what its resources are read with is `<stream>.read`.
    pub(crate) stream: &'static str,
    /// Told of one shop; otherwise of the organisation, to whoever holds the scope.
    pub(crate) of_shop: bool,
    /// The full name of the event.
    pub(crate) type_name: String,
    read: Box<Reading>,
}

impl EventKind {
    /// The scope that a key must hold to be told.
    pub(crate) fn scope(&self) -> &'static str {
        match self.stream {
            "access" => "access.read",
            "catalog" => "catalog.read",
            "customers" => "customers.read",
            "delivery" => "delivery.read",
            "inventory" => "inventory.read",
            "payments" => "payments.read",
            _ => "orders.read",
        }
    }

    /// What is told of an event.
    pub(crate) fn read(&self, body: &[u8]) -> Result<EventData, DecodeError> {
        (self.read)(body)
    }
}

static KINDS: LazyLock<Vec<EventKind>> = LazyLock::new(|| {
    let mut kinds =
        [orders(), returns(), payments(), delivery(), inventory(), shortages(), transfers(), rest()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>();
    kinds.sort_by_key(|kind| kind.name);
    kinds
});

/// All of them, by name.
pub(crate) fn all() -> &'static [EventKind] {
    &KINDS
}

/// The kind of a name.
pub(crate) fn named(name: &str) -> Option<&'static EventKind> {
    KINDS.binary_search_by_key(&name, |kind| kind.name).ok().map(|at| &KINDS[at])
}

/// The kind of an event.
pub(crate) fn of_type(type_name: &str) -> Option<&'static EventKind> {
    KINDS.iter().find(|kind| kind.type_name == type_name)
}

fn orders() -> Vec<EventKind> {
    use orders::{CartAbandoned, CartOrdered, OrderCancelled, OrderChanged, OrderPlaced, OrderRejected};
    vec![
        shop("order.placed", "orders", |told: OrderPlaced, data| data.order = told.order),
        shop("order.rejected", "orders", |told: OrderRejected, data| {
            (data.order, data.reason) = (told.order, Some(told.reason));
        }),
        shop("order.cancelled", "orders", |told: OrderCancelled, data| {
            (data.order, data.reason) = (told.order, Some(told.reason));
        }),
        shop("order.changed", "orders", |told: OrderChanged, data| {
            (data.order, data.changed_fields) = (told.order, told.changed_fields);
        }),
        shop("cart.abandoned", "orders", |told: CartAbandoned, data| data.cart = told.cart),
        shop("cart.ordered", "orders", |told: CartOrdered, data| data.cart = told.cart),
    ]
}

fn returns() -> Vec<EventKind> {
    use orders::{
        ReturnApproved, ReturnCancelled, ReturnDispatched, ReturnReceived, ReturnRefused, ReturnRequested,
        ReturnResolved,
    };
    vec![
        shop("return.requested", "orders", |told: ReturnRequested, data| data.r#return = told.r#return),
        shop("return.approved", "orders", |told: ReturnApproved, data| data.r#return = told.r#return),
        shop("return.refused", "orders", |told: ReturnRefused, data| data.r#return = told.r#return),
        shop("return.dispatched", "orders", |told: ReturnDispatched, data| data.r#return = told.r#return),
        shop("return.received", "orders", |told: ReturnReceived, data| data.r#return = told.r#return),
        shop("return.resolved", "orders", |told: ReturnResolved, data| data.r#return = told.r#return),
        shop("return.cancelled", "orders", |told: ReturnCancelled, data| data.r#return = told.r#return),
    ]
}

fn payments() -> Vec<EventKind> {
    use payments::{
        PaymentAmountChanged, PaymentAttempted, PaymentAuthorized, PaymentFailed, PaymentOpened,
        PaymentRecorded, PaymentRefundFailed, PaymentRefundRequested, PaymentRefunded, PaymentVoided,
        ReceiptSettled,
    };
    vec![
        shop("payment.opened", "payments", |told: PaymentOpened, data| data.payment = told.payment),
        shop("payment.attempted", "payments", |told: PaymentAttempted, data| data.payment = told.payment),
        shop("payment.authorized", "payments", |told: PaymentAuthorized, data| data.payment = told.payment),
        shop("payment.failed", "payments", |told: PaymentFailed, data| data.payment = told.payment),
        shop("payment.amount_changed", "payments", |told: PaymentAmountChanged, data| {
            (data.payment, data.changed_fields) = (told.payment, told.changed_fields);
        }),
        shop("payment.recorded", "payments", |told: PaymentRecorded, data| data.payment = told.payment),
        shop("payment.refund_requested", "payments", |told: PaymentRefundRequested, data| {
            data.payment = told.payment;
        }),
        shop("payment.refund_failed", "payments", |told: PaymentRefundFailed, data| {
            data.payment = told.payment;
        }),
        shop("payment.refunded", "payments", |told: PaymentRefunded, data| data.payment = told.payment),
        shop("payment.voided", "payments", |told: PaymentVoided, data| data.payment = told.payment),
        shop("receipt.settled", "payments", |told: ReceiptSettled, data| data.receipt = told.receipt),
    ]
}

fn delivery() -> Vec<EventKind> {
    use delivery::{
        CashOnDeliveryReceived, DeliveryCancelled, DeliveryPlanned, IncidentClosed, IncidentOpened,
        ShipmentBooked, ShipmentBookingFailed, ShipmentTracked,
    };
    vec![
        shop("delivery.planned", "delivery", |told: DeliveryPlanned, data| {
            data.delivery_plan = Some(DeliveryPlanState {
                delivery_plan_id: told.delivery_plan_id,
                order_id: told.order_id,
                delivery_method_id: told.delivery_method_id,
                price: told.price,
            });
        }),
        shop("delivery.cancelled", "delivery", |told: DeliveryCancelled, data| {
            data.delivery_plan = Some(DeliveryPlanState {
                delivery_plan_id: told.delivery_plan_id,
                order_id: told.order_id,
                ..DeliveryPlanState::default()
            });
        }),
        shop("shipment.booked", "delivery", |told: ShipmentBooked, data| data.shipment = told.shipment),
        shop("shipment.tracked", "delivery", |told: ShipmentTracked, data| data.shipment = told.shipment),
        shop("shipment.booking_failed", "delivery", |told: ShipmentBookingFailed, data| {
            (data.shipment, data.incident) = (told.shipment, told.incident);
        }),
        shop("shipment.cash_received", "delivery", |told: CashOnDeliveryReceived, data| {
            data.shipment = told.shipment;
        }),
        shop("incident.opened", "delivery", |told: IncidentOpened, data| data.incident = told.incident),
        shop("incident.closed", "delivery", |told: IncidentClosed, data| data.incident = told.incident),
    ]
}

fn inventory() -> Vec<EventKind> {
    use inventory::{
        ReservationChanged, StockPosted, StockReleased, StockReserved, StockShipped, StockShort,
    };
    vec![
        shop("reservation.held", "inventory", |told: StockReserved, data| {
            data.reservation = told.reservation;
        }),
        shop("reservation.released", "inventory", |told: StockReleased, data| {
            data.reservation = told.reservation;
        }),
        shop("reservation.shipped", "inventory", |told: StockShipped, data| {
            data.reservation = told.reservation;
        }),
        shop("reservation.changed", "inventory", |told: ReservationChanged, data| {
            (data.reservation, data.changed_fields) = (told.reservation, told.changed_fields);
        }),
        shop("reservation.short", "inventory", |told: StockShort, data| data.reservation = told.reservation),
        organization("stock.posted", "inventory", |told: StockPosted, data| {
            let StockPosted { levels, kind, document_id } = told;
            data.stock = Some(StockChange { levels, kind, document_id });
        }),
    ]
}

fn shortages() -> Vec<EventKind> {
    use inventory::{ShortageAssigned, ShortageClosed, ShortageCovered, ShortageOpened};
    vec![
        shop("shortage.opened", "inventory", |told: ShortageOpened, data| {
            (data.shortage, data.reservation) = (told.shortage, told.reservation);
        }),
        shop("shortage.covered", "inventory", |told: ShortageCovered, data| {
            (data.shortage, data.reservation) = (told.shortage, told.reservation);
        }),
        shop("shortage.closed", "inventory", |told: ShortageClosed, data| {
            (data.shortage, data.reservation) = (told.shortage, told.reservation);
        }),
        shop("shortage.assigned", "inventory", |told: ShortageAssigned, data| data.shortage = told.shortage),
    ]
}

fn transfers() -> Vec<EventKind> {
    use inventory::{TransferCancelled, TransferDispatched, TransferReceived};
    vec![
        organization("transfer.dispatched", "inventory", |told: TransferDispatched, data| {
            data.transfer = told.transfer;
        }),
        organization("transfer.received", "inventory", |told: TransferReceived, data| {
            data.transfer = told.transfer;
        }),
        organization("transfer.cancelled", "inventory", |told: TransferCancelled, data| {
            data.transfer = told.transfer;
        }),
    ]
}

fn rest() -> Vec<EventKind> {
    use access::ShopChanged;
    use catalog::{
        BrandChanged, CategoryChanged, CharacteristicChanged, PriceChanged, PriceListChanged, ProductChanged,
    };
    use customers::{CustomerChanged, CustomerCreated};
    vec![
        shop("shop.changed", "access", |told: ShopChanged, data| {
            (data.shop, data.changed_fields) = (told.shop, told.changed_fields);
        }),
        organization("product.changed", "catalog", |told: ProductChanged, data| {
            (data.product, data.changed_fields) = (told.product, told.changed_fields);
        }),
        organization("category.changed", "catalog", |told: CategoryChanged, data| {
            (data.category, data.changed_fields) = (told.category, told.changed_fields);
        }),
        organization("brand.changed", "catalog", |told: BrandChanged, data| {
            (data.brand, data.changed_fields) = (told.brand, told.changed_fields);
        }),
        organization("characteristic.changed", "catalog", |told: CharacteristicChanged, data| {
            (data.characteristic, data.changed_fields) = (told.characteristic, told.changed_fields);
        }),
        organization("price_list.changed", "catalog", |told: PriceListChanged, data| {
            (data.price_list, data.changed_fields) = (told.price_list, told.changed_fields);
        }),
        organization("price.changed", "catalog", |told: PriceChanged, data| data.price = told.price),
        shop("customer.created", "customers", |told: CustomerCreated, data| {
            data.customer_id = Some(told.customer_id);
        }),
        shop("customer.changed", "customers", |told: CustomerChanged, data| {
            (data.customer_id, data.changed_fields) = (Some(told.customer_id), told.changed_fields);
        }),
    ]
}

fn shop<E: Message + Name + Default + 'static>(
    name: &'static str,
    stream: &'static str,
    show: fn(E, &mut EventData),
) -> EventKind {
    kind(name, stream, true, show)
}

fn organization<E: Message + Name + Default + 'static>(
    name: &'static str,
    stream: &'static str,
    show: fn(E, &mut EventData),
) -> EventKind {
    kind(name, stream, false, show)
}

fn kind<E: Message + Name + Default + 'static>(
    name: &'static str,
    stream: &'static str,
    of_shop: bool,
    show: fn(E, &mut EventData),
) -> EventKind {
    let read = move |body: &[u8]| {
        let mut data = EventData::default();
        show(E::decode(body)?, &mut data);
        Ok(data)
    };
    EventKind { name, stream, of_shop, type_name: E::full_name(), read: Box::new(read) }
}
