//! What is done about something: one call of one service's own verb, which may be made again.

use std::fmt;

use proto::access::v1 as access;
use proto::access::v1::decision_service_client::DecisionServiceClient;
use proto::customers::v1 as customers;
use proto::customers::v1::purchase_repair_service_client::PurchaseRepairServiceClient;
use proto::delivery::v1 as delivery;
use proto::delivery::v1::delivery_service_client::DeliveryServiceClient;
use proto::events::v1 as events;
use proto::events::v1::cursor_service_client::CursorServiceClient;
use proto::events::v1::event_log_service_client::EventLogServiceClient;
use proto::inventory::v1 as inventory;
use proto::inventory::v1::inventory_service_client::InventoryServiceClient;
use proto::inventory::v1::stock_repair_service_client::StockRepairServiceClient;
use proto::orders::v1 as orders;
use proto::orders::v1::order_repair_service_client::OrderRepairServiceClient;
use proto::payments::v1 as payments;
use proto::payments::v1::payment_service_client::PaymentServiceClient;
use tonic::Status;

use super::facts::Facts;

const WHY: &str = "repair: not what the order says";

/// A call. Those that come first are made first: what is on its way arrives before anything else is compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    ResetCursor {
        service: String,
        consumer: String,
        epoch: String,
        position: i64,
    },
    ReplayEvent {
        service: String,
        consumer: String,
        event_id: String,
    },
    ResumeProcess {
        process_id: String,
    },
    ReleaseReservation {
        reservation_id: String,
    },
    CancelDelivery {
        delivery_plan_id: String,
    },
    CancelShipment {
        shipment_id: String,
    },
    VoidUntouched {
        payment_id: String,
    },
    /// Gives back what it took.
    Refund {
        payment_id: String,
    },
    ReconcileOrder {
        order_id: String,
        matter: Matter,
    },
    BookShipment {
        delivery_plan_id: String,
        shipment_id: String,
    },
    RecountStock {
        sku: String,
        warehouse_id: String,
        condition: String,
    },
    RecountOrder {
        order_id: String,
    },
    RecountCustomer {
        customer_id: String,
    },
    Record {
        check: String,
        subject: String,
        expected: String,
        found: String,
        note: String,
    },
}

/// What of an order is brought together with a neighbour.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Matter {
    Process,
    Number { taken: String },
    Payments,
    Stock,
    Delivery,
    Customer,
}

impl Step {
    /// Makes the call.
    pub async fn make(&self, facts: &Facts) -> Result<(), Status> {
        match self.clone() {
            Self::ResetCursor { service, consumer, epoch, position } => {
                let request = events::ResetCursorRequest { consumer, epoch, position };
                CursorServiceClient::new(facts.channel(&service)).reset_cursor(request).await?;
            }
            Self::ReplayEvent { service, consumer, event_id } => {
                let request = events::ReplayParkedEventRequest { consumer, event_id };
                EventLogServiceClient::new(facts.channel(&service)).replay_parked_event(request).await?;
            }
            Self::ResumeProcess { process_id } => {
                let request = orders::ResumeProcessRequest { process_id };
                OrderRepairServiceClient::new(facts.channel("orders")).resume_process(request).await?;
            }
            Self::ReleaseReservation { reservation_id } => {
                let request = inventory::ReleaseReservationRequest { reservation_id, note: WHY.to_owned() };
                InventoryServiceClient::new(facts.channel("inventory")).release_reservation(request).await?;
            }
            Self::CancelDelivery { delivery_plan_id } => {
                let request = delivery::CancelDeliveryRequest { delivery_plan_id, reason: WHY.to_owned() };
                DeliveryServiceClient::new(facts.channel("delivery")).cancel_delivery(request).await?;
            }
            Self::CancelShipment { shipment_id } => {
                let request = delivery::CancelShipmentRequest { shipment_id, reason: WHY.to_owned() };
                DeliveryServiceClient::new(facts.channel("delivery")).cancel_shipment(request).await?;
            }
            Self::BookShipment { delivery_plan_id, shipment_id } => {
                let request = delivery::BookShipmentRequest { delivery_plan_id, shipment_id };
                DeliveryServiceClient::new(facts.channel("delivery")).book_shipment(request).await?;
            }
            Self::VoidUntouched { payment_id } => {
                let cancellation_id = format!("repair-{payment_id}");
                let request = payments::VoidPaymentRequest {
                    payment_id,
                    reason: WHY.to_owned(),
                    only_untouched: true,
                    cancellation_id,
                    ..Default::default()
                };
                PaymentServiceClient::new(facts.channel("payments")).void_payment(request).await?;
            }
            Self::Refund { payment_id } => {
                let reason = WHY.to_owned();
                let request = payments::VoidPaymentRequest { payment_id, reason, ..Default::default() };
                PaymentServiceClient::new(facts.channel("payments")).void_payment(request).await?;
            }
            Self::ReconcileOrder { order_id, matter } => {
                let number = match &matter {
                    Matter::Number { taken } => taken.clone(),
                    _ => String::new(),
                };
                let request =
                    orders::ReconcileOrderRequest { order_id, matter: matter.wire().into(), number };
                OrderRepairServiceClient::new(facts.channel("orders")).reconcile_order(request).await?;
            }
            Self::RecountStock { sku, warehouse_id, condition } => {
                let condition = condition_named(&condition)?.into();
                let request = inventory::RecountStockRequest { sku, warehouse_id, condition };
                StockRepairServiceClient::new(facts.channel("inventory")).recount_stock(request).await?;
            }
            Self::RecountOrder { order_id } => {
                let request = customers::RecountPurchasesRequest { order_id, customer_id: String::new() };
                PurchaseRepairServiceClient::new(facts.channel("customers"))
                    .recount_purchases(request)
                    .await?;
            }
            Self::RecountCustomer { customer_id } => {
                let request = customers::RecountPurchasesRequest { order_id: String::new(), customer_id };
                PurchaseRepairServiceClient::new(facts.channel("customers"))
                    .recount_purchases(request)
                    .await?;
            }
            Self::Record { check, subject, expected, found, note } => {
                let request = access::RecordDecisionRequest { check, subject, expected, found, note };
                DecisionServiceClient::new(facts.channel("access")).record_decision(request).await?;
            }
        }
        Ok(())
    }
}

/// The condition that the database of inventory calls so.
fn condition_named(text: &str) -> Result<inventory::Condition, Status> {
    let named = inventory::Condition::from_str_name(&format!("CONDITION_{}", text.to_uppercase()));
    let known = named.filter(|named| *named != inventory::Condition::Unspecified);
    known.ok_or_else(|| {
        Status::invalid_argument(format!("{text:?} is no condition of stock that this version knows"))
    })
}

impl Matter {
    fn wire(&self) -> orders::OrderMatter {
        match self {
            Self::Process => orders::OrderMatter::Process,
            Self::Number { .. } => orders::OrderMatter::Number,
            Self::Payments => orders::OrderMatter::Payments,
            Self::Stock => orders::OrderMatter::Stock,
            Self::Delivery => orders::OrderMatter::Delivery,
            Self::Customer => orders::OrderMatter::Customer,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResetCursor { service, consumer, epoch, position } => write!(
                f,
                "let {consumer} go on after event {position} of the log as it is, epoch {epoch}: {service} events.CursorService/ResetCursor"
            ),
            Self::ReplayEvent { service, consumer, event_id } => write!(
                f,
                "let {consumer} try event {event_id} again: {service} events.EventLogService/ReplayParkedEvent"
            ),
            Self::ResumeProcess { process_id } => {
                write!(
                    f,
                    "let somebody go on with process {process_id}: orders.OrderRepairService/ResumeProcess"
                )
            }
            Self::ReleaseReservation { reservation_id } => {
                write!(f, "release {reservation_id}: inventory.InventoryService/ReleaseReservation")
            }
            Self::CancelDelivery { delivery_plan_id } => {
                write!(f, "cancel {delivery_plan_id} and its parcel: delivery.DeliveryService/CancelDelivery")
            }
            Self::CancelShipment { shipment_id } => {
                write!(f, "cancel parcel {shipment_id}: delivery.DeliveryService/CancelShipment")
            }
            Self::BookShipment { delivery_plan_id, shipment_id } => write!(
                f,
                "ask the carrier for parcel {shipment_id} of {delivery_plan_id}: delivery.DeliveryService/BookShipment"
            ),
            Self::VoidUntouched { payment_id } => write!(
                f,
                "void {payment_id} while nobody has begun to pay it: payments.PaymentService/VoidPayment only_untouched"
            ),
            Self::Refund { payment_id } => {
                write!(f, "void {payment_id} and give back what it took: payments.PaymentService/VoidPayment")
            }
            Self::ReconcileOrder { order_id, matter } => {
                let what = match matter {
                    Matter::Process => "give it a process, or take its mark away".to_owned(),
                    Matter::Number { taken } => format!("give it another number than {taken}"),
                    Matter::Payments => {
                        "open what payments has lost, take over what payments knows".to_owned()
                    }
                    Matter::Stock => "hold again what is still to leave".to_owned(),
                    Matter::Delivery => "plan its delivery again".to_owned(),
                    Matter::Customer => "identify its buyer again".to_owned(),
                };
                let name = matter.wire().as_str_name();
                write!(f, "{order_id}: {what}: orders.OrderRepairService/ReconcileOrder {name}")
            }
            Self::RecountStock { sku, warehouse_id, condition } => write!(
                f,
                "make the level of {sku} in {warehouse_id}, {condition}, the sum of its ledger and of what is held: \
                 inventory.StockRepairService/RecountStock"
            ),
            Self::RecountOrder { order_id } => write!(
                f,
                "count {order_id} as orders tells it: customers.PurchaseRepairService/RecountPurchases"
            ),
            Self::RecountCustomer { customer_id } => write!(
                f,
                "add up the purchases of {customer_id}: customers.PurchaseRepairService/RecountPurchases"
            ),
            Self::Record { check, subject, .. } => {
                write!(
                    f,
                    "write down what was decided about {check} {subject}: access.DecisionService/RecordDecision"
                )
            }
        }
    }
}
