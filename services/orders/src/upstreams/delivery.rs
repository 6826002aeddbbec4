//! Asks delivery to plan, to price, to cancel and to book.

use chrono::{DateTime, Utc};
use proto::delivery::v1 as pb;
use proto::delivery::v1::delivery_service_client::DeliveryServiceClient;
use rpc::{Call, Channel};
use tonic::Status;
use types::{DeliveryPlanId, Money, ShipmentId};

use crate::model::fulfilment::FulfilmentState;
use crate::model::order::{Delivery, Order};
use crate::model::order_line::OrderLine;
use crate::model::origin::PaymentMethod;
use crate::model::placement::Planned;
use crate::model::tracking::Parcel;
use crate::upstreams::catalog::money;
use crate::wire;

/// Plans and parcels.
#[derive(Clone)]
pub struct DeliveryDesk(pub(super) Channel);

/// What is to be delivered together.
#[derive(Debug, Clone)]
pub struct Load<'a> {
    /// Chosen by the order, so that a repeat names the same.
    pub delivery_plan_id: DeliveryPlanId,
    /// How.
    pub delivery: &'a Delivery,
    /// Which units.
    pub lines: Vec<(&'a OrderLine, i32)>,
    /// What they cost.
    pub goods_total: Money,
    /// What delivery costs already; `None`: by tariff.
    pub fixed_price: Option<Money>,
    /// What the carrier takes; `None`: whatever the payment method means for goods and delivery.
    pub cash_on_delivery: Option<Money>,
}

impl Load<'_> {
    fn weight_grams(&self) -> i32 {
        let weight = |(line, units): &(&OrderLine, i32)| i64::from(line.weight_grams) * i64::from(*units);
        i32::try_from(self.lines.iter().map(weight).sum::<i64>()).unwrap_or(i32::MAX)
    }

    /// What is declared to a carrier.
    fn items(&self) -> Vec<pb::PlannedItem> {
        self.lines.iter().map(|(line, units)| item(line, *units)).collect()
    }
}

impl DeliveryDesk {
    pub(super) fn new(channel: Channel) -> Self {
        Self(channel)
    }

    /// Fixes how goods are delivered, and for how much. A repeat answers the plan.
    pub async fn plan(&self, call: &Call, order: &Order, load: &Load<'_>) -> Result<Planned, Status> {
        self.plan_in_slot(call, order, load, None).await
    }

    /// As [`Self::plan`], in the slot that starts then.
    pub async fn plan_in_slot(
        &self,
        call: &Call,
        order: &Order,
        load: &Load<'_>,
        slot: Option<DateTime<Utc>>,
    ) -> Result<Planned, Status> {
        let on_delivery = order.payment_method == PaymentMethod::CashOnDelivery
            && load.cash_on_delivery.is_none_or(|sum| !sum.is_zero());
        let request = pb::PlanDeliveryRequest {
            delivery_plan_id: load.delivery_plan_id.to_string(),
            order_id: order.order_id.to_string(),
            shop_id: order.shop_id.to_string(),
            delivery_method_id: load.delivery.method_id.to_string(),
            address: load.delivery.address.clone().map(wire::address),
            recipient_name: order.buyer.name.clone(),
            recipient_phone: order.buyer.phone.clone(),
            weight_grams: load.weight_grams(),
            goods_total: Some(rpc::wire::money(load.goods_total)),
            cash_on_delivery: on_delivery,
            fixed_price: load.fixed_price.map(rpc::wire::money),
            items: load.items(),
            cash_on_delivery_amount: load.cash_on_delivery.filter(|_| on_delivery).map(rpc::wire::money),
            order_number: order.number.clone(),
            slot_start_time: slot.map(rpc::wire::time),
        };
        let plan = DeliveryServiceClient::new(self.0.bind(call)).plan_delivery(request).await?.into_inner();
        let price =
            plan.price.as_ref().ok_or_else(|| Status::internal("expected the price of a delivery plan"))?;
        Ok(Planned { price: money(price, order.currency)?, method_name: plan.method_name })
    }

    /// What a delivery would cost; `None` when the method does not go there.
    pub async fn quote(
        &self,
        call: &Call,
        order: &Order,
        load: &Load<'_>,
    ) -> Result<Option<Planned>, Status> {
        let request = pb::QuoteDeliveryRequest {
            shop_id: order.shop_id.to_string(),
            address: load.delivery.address.clone().map(wire::address),
            goods_total: Some(rpc::wire::money(load.goods_total)),
            weight_grams: load.weight_grams(),
            cash_on_delivery: order.payment_method == PaymentMethod::CashOnDelivery,
            piece_sizes: Vec::new(),
        };
        let quote = DeliveryServiceClient::new(self.0.bind(call)).quote_delivery(request).await?.into_inner();
        let wanted = load.delivery.method_id.to_string();
        let Some(option) = quote.options.into_iter().find(|option| option.delivery_method_id == wanted)
        else {
            return Ok(None);
        };
        let price = match (load.fixed_price, &option.price) {
            (Some(price), _) => price,
            (None, Some(price)) => money(price, order.currency)?,
            (None, None) => return Err(Status::internal("expected the price of a delivery option")),
        };
        Ok(Some(Planned { price, method_name: option.name }))
    }

    /// Cancels a plan and its parcel; refused once the parcel has left.
    pub async fn cancel(
        &self,
        call: &Call,
        delivery_plan_id: DeliveryPlanId,
        reason: &str,
    ) -> Result<(), Status> {
        let request = pb::CancelDeliveryRequest {
            delivery_plan_id: delivery_plan_id.to_string(),
            reason: reason.to_owned(),
        };
        DeliveryServiceClient::new(self.0.bind(call)).cancel_delivery(request).await?;
        Ok(())
    }

    /// Books the parcel of a plan, or begins to. A repeat answers the parcel.
    pub async fn book(
        &self,
        call: &Call,
        delivery_plan_id: DeliveryPlanId,
        shipment_id: ShipmentId,
    ) -> Result<(FulfilmentState, Parcel), Status> {
        let request = pb::BookShipmentRequest {
            delivery_plan_id: delivery_plan_id.to_string(),
            shipment_id: shipment_id.to_string(),
        };
        let answer = DeliveryServiceClient::new(self.0.bind(call)).book_shipment(request).await?;
        Ok(booking(answer.into_inner()))
    }
}

/// How far the booking of a parcel is.
fn booking(shipment: pb::Shipment) -> (FulfilmentState, Parcel) {
    let state = match shipment.state() {
        pb::ShipmentState::Booking => FulfilmentState::Booking,
        pb::ShipmentState::BookingFailed => FulfilmentState::BookingFailed,
        pb::ShipmentState::Unspecified
        | pb::ShipmentState::Booked
        | pb::ShipmentState::Cancelling
        | pb::ShipmentState::Cancelled => FulfilmentState::Booked,
    };
    (state, parcel(shipment))
}

/// What a parcel is known by.
pub fn parcel(shipment: pb::Shipment) -> Parcel {
    Parcel { carrier: shipment.carrier, tracking_number: shipment.tracking_number }
}

/// A kit is declared as it was sold: its components have no price of their own.
fn item(line: &OrderLine, units: i32) -> pb::PlannedItem {
    pb::PlannedItem {
        sku: line.sku.to_string(),
        name: line.name.clone(),
        quantity: units,
        unit_price: line.value(1).ok().map(rpc::wire::money),
        weight_grams: line.weight_grams,
        piece_size: None,
    }
}
