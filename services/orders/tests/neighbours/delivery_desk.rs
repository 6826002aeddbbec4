//! The stand-in of delivery: it prices, plans, books and cancels as the contract says.

use proto::delivery::v1 as pb;
use rpc::Fault;
use tonic::{Code, Status};

use super::{State, refused};

/// The price of a delivery that nobody has fixed.
const PRICE: &str = "50.00";

#[derive(Clone, Default)]
pub struct Plan {
    pub price: String,
    pub cancelled: bool,
    /// The parcel has left.
    pub left: bool,
    /// What was asked for.
    pub request: pb::PlanDeliveryRequest,
}

impl State {
    pub(super) fn plan(&mut self, request: pb::PlanDeliveryRequest) -> Result<pb::DeliveryPlan, Status> {
        let id = request.delivery_plan_id.clone();
        let price = request.fixed_price.as_ref();
        let price = price.map_or(self.tariff.unwrap_or(PRICE), |price| price.amount.as_str()).to_owned();
        let currency_code =
            request.goods_total.as_ref().map(|money| money.currency_code.clone()).unwrap_or_default();
        let new = Plan { price, request, ..Default::default() };
        let asked = new.request.clone();
        let plan = self.plans.entry(id.clone()).or_insert(new);
        if plan.cancelled {
            return Err(refused("PLAN_CANCELLED"));
        }
        if plan.request != asked {
            return Err(Fault::new(Code::AlreadyExists, "PLAN_MISMATCH", "planned with other content").into());
        }
        let price = Some(proto::r#type::v1::Money { amount: plan.price.clone(), currency_code });
        let method_name = "Courier".to_owned();
        Ok(pb::DeliveryPlan { delivery_plan_id: id, method_name, price, ..Default::default() })
    }

    pub(super) fn quote_delivery(
        &mut self,
        request: pb::QuoteDeliveryRequest,
    ) -> Result<pb::QuoteDeliveryResponse, Status> {
        let goods = request.goods_total.unwrap_or_default();
        let nowhere = request.address.is_some_and(|address| address.city == "Nowhere");
        let option = |ordinal, name: &str, amount: &str| pb::DeliveryOption {
            delivery_method_id: types::DeliveryMethodId::derived(uuid::Uuid::nil(), ordinal).to_string(),
            name: name.to_owned(),
            price: Some(proto::r#type::v1::Money {
                amount: amount.to_owned(),
                currency_code: goods.currency_code.clone(),
            }),
            ..Default::default()
        };
        let courier = option(0, "Courier", self.tariff.unwrap_or(PRICE));
        let options = vec![courier, option(1, "Counter", "0.00")];
        Ok(pb::QuoteDeliveryResponse { options: if nowhere { Vec::new() } else { options } })
    }

    pub(super) fn cancel_delivery(
        &mut self,
        request: pb::CancelDeliveryRequest,
    ) -> Result<pb::DeliveryPlan, Status> {
        let plan = self.plans.entry(request.delivery_plan_id.clone()).or_default();
        if plan.left {
            return Err(refused("SHIPMENT_LEFT"));
        }
        plan.cancelled = true;
        Ok(pb::DeliveryPlan { delivery_plan_id: request.delivery_plan_id, ..Default::default() })
    }

    pub(super) fn book(&mut self, request: pb::BookShipmentRequest) -> Result<pb::Shipment, Status> {
        if self.plans.get(&request.delivery_plan_id).is_none_or(|plan| plan.cancelled) {
            return Err(refused("PLAN_CANCELLED"));
        }
        self.shipments.insert(request.shipment_id.clone(), request.delivery_plan_id.clone());
        let state = match self.carrier_is_slow {
            true => pb::ShipmentState::Booking,
            false => pb::ShipmentState::Booked,
        };
        let number = if self.carrier_is_slow { String::new() } else { format!("N-{}", self.shipments.len()) };
        Ok(pb::Shipment {
            shipment_id: request.shipment_id,
            state: state.into(),
            carrier: "own-courier".to_owned(),
            tracking_number: number,
            ..Default::default()
        })
    }
}
