//! Asks delivery what fits a cart that is only being priced.

use proto::delivery::v1 as pb;
use proto::delivery::v1::delivery_service_client::DeliveryServiceClient;
use rpc::Call;
use tonic::Status;

use crate::model::buyer::Address;
use crate::model::order::Order;
use crate::model::origin::PaymentMethod;
use crate::model::placement::Priced;
use crate::model::quote::Choice;
use crate::upstreams::DeliveryDesk;
use crate::upstreams::catalog::money;
use crate::wire;

impl DeliveryDesk {
    /// The ways that fit, with their prices, in the shop's order.
    pub async fn choices(
        &self,
        call: &Call,
        order: &Order,
        address: Option<&Address>,
        priced: &Priced,
    ) -> Result<Vec<Choice>, Status> {
        let request = pb::QuoteDeliveryRequest {
            shop_id: order.shop_id.to_string(),
            address: address.cloned().map(wire::address),
            goods_total: Some(rpc::wire::money(priced.goods_total)),
            weight_grams: priced.weight_grams,
            cash_on_delivery: order.payment_method == PaymentMethod::CashOnDelivery,
            piece_sizes: Vec::new(),
        };
        let answer =
            DeliveryServiceClient::new(self.0.bind(call)).quote_delivery(request).await?.into_inner();
        let choice = |option: pb::DeliveryOption| {
            let expected = || Status::internal("expected a way to deliver with its price");
            let price = option.price.as_ref().ok_or_else(expected)?;
            Ok(Choice {
                method_id: option.delivery_method_id.parse().map_err(|_| expected())?,
                name: option.name,
                price: money(price, order.currency)?,
                days_min: option.days_min,
                days_max: option.days_max,
            })
        };
        answer.options.into_iter().map(choice).collect()
    }
}
