//! Asks customers who a buyer is.

use std::time::Duration;

use proto::customers::v1::IdentifyCustomerRequest;
use proto::customers::v1::customer_service_client::CustomerServiceClient;
use rpc::{Call, Channel};
use tokio::time::Instant;
use tonic::Status;

use crate::model::order::{Identified, Order};

/// An order does not wait longer to know its buyer's card.
const PATIENCE: Duration = Duration::from_secs(1);

/// The cards of buyers.
#[derive(Clone)]
pub struct Customers(Channel);

impl Customers {
    pub(super) fn new(channel: Channel) -> Self {
        Self(channel)
    }

    /// The card of the order's buyer; made if there is none.
    pub async fn identify(
        &self,
        call: &Call,
        order: &Order,
        country_code: &str,
    ) -> Result<Identified, Status> {
        if !order.buyer.is_identifiable() {
            return Ok(Identified::Nobody);
        }
        let mut call = call.clone();
        call.deadline = call.deadline.min(Instant::now() + PATIENCE);
        let request = IdentifyCustomerRequest {
            shop_id: order.shop_id.to_string(),
            name: order.buyer.name.clone(),
            phone: order.buyer.phone.clone(),
            email: order.buyer.email.clone(),
            country_code: country_code.to_owned(),
        };
        let answer =
            CustomerServiceClient::new(self.0.bind(&call)).identify_customer(request).await?.into_inner();
        match answer.customer_id.as_str() {
            "" => Ok(Identified::Nobody),
            id => {
                id.parse().map(Identified::Customer).map_err(|_| Status::internal("expected a customer's id"))
            }
        }
    }
}
