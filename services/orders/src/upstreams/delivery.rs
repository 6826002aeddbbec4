//! Asks delivery to plan, to cancel and to book.

use proto::delivery::v1 as pb;
use proto::delivery::v1::delivery_service_client::DeliveryServiceClient;
use rpc::{Call, Channel};
use tonic::Status;
use types::{DeliveryPlanId, Money, ShipmentId};

use crate::model::order::{Delivery, Order};
use crate::model::origin::PaymentMethod;
use crate::model::placement::{Planned, Priced};
use crate::upstreams::catalog::money;
use crate::wire;

/// Plans and parcels.
#[derive(Clone)]
pub struct DeliveryDesk(Channel);

impl DeliveryDesk {
    pub(super) fn new(channel: Channel) -> Self {
        Self(channel)
    }

    /// Fixes how an order is delivered, and for how much. A repeat answers the plan.
    pub async fn plan(
        &self,
        call: &Call,
        order: &Order,
        delivery: &Delivery,
        priced: &Priced,
        fixed_price: Option<Money>,
    ) -> Result<Planned, Status> {
        let request = pb::PlanDeliveryRequest {
            delivery_plan_id: order.own_delivery_plan_id().to_string(),
            order_id: order.order_id.to_string(),
            shop_id: order.shop_id.to_string(),
            delivery_method_id: delivery.method_id.to_string(),
            address: delivery.address.clone().map(wire::address),
            recipient_name: order.buyer.name.clone(),
            recipient_phone: order.buyer.phone.clone(),
            weight_grams: priced.weight_grams,
            goods_total: Some(rpc::wire::money(priced.goods_total)),
            cash_on_delivery: order.payment_method == PaymentMethod::CashOnDelivery,
            fixed_price: fixed_price.map(rpc::wire::money),
            ..Default::default()
        };
        let plan = DeliveryServiceClient::new(self.0.bind(call)).plan_delivery(request).await?.into_inner();
        let price =
            plan.price.as_ref().ok_or_else(|| Status::internal("expected the price of a delivery plan"))?;
        Ok(Planned { price: money(price, order.currency)?, method_name: plan.method_name })
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

    /// Books the parcel of a plan. A repeat answers the parcel.
    pub async fn book(
        &self,
        call: &Call,
        delivery_plan_id: DeliveryPlanId,
        shipment_id: ShipmentId,
    ) -> Result<(), Status> {
        let request = pb::BookShipmentRequest {
            delivery_plan_id: delivery_plan_id.to_string(),
            shipment_id: shipment_id.to_string(),
        };
        DeliveryServiceClient::new(self.0.bind(call)).book_shipment(request).await?;
        Ok(())
    }
}
