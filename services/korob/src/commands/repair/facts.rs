//! What the running suite says when it is asked about a finding.

use std::time::Duration;

use proto::delivery::v1 as delivery;
use proto::delivery::v1::delivery_service_client::DeliveryServiceClient;
use proto::events::v1::ParkedEvent;
use proto::inventory::v1 as inventory;
use proto::inventory::v1::inventory_service_client::InventoryServiceClient;
use proto::orders::v1 as orders;
use proto::orders::v1::order_service_client::OrderServiceClient;
use proto::payments::v1 as payments;
use proto::payments::v1::payment_service_client::PaymentServiceClient;
use rpc::{BoundChannel, Call, Caller, Directory};
use tonic::{Code, Response, Status};

use crate::commands::events::all_parked;

const PATIENCE: Duration = Duration::from_secs(20);
const PAGE_SIZE: i32 = 200;

/// The services, asked in the operator's name.
pub struct Facts {
    directory: Directory,
}

impl Facts {
    pub fn new(directory: Directory) -> Self {
        Self { directory }
    }

    /// A way to a service, for one call.
    pub fn channel(&self, service: &str) -> BoundChannel {
        self.directory.channel(service).bind(&Call::begin(Caller::operator("repair"), PATIENCE))
    }

    /// The order; `None` when orders does not know it.
    pub async fn order(&self, order_id: &str) -> Result<Option<orders::Order>, Status> {
        let request = orders::GetOrderRequest { order_id: order_id.to_owned() };
        known(OrderServiceClient::new(self.channel("orders")).get_order(request).await)
    }

    /// The payment; `None` when payments does not know it.
    pub async fn payment(&self, payment_id: &str) -> Result<Option<payments::Payment>, Status> {
        let request = payments::GetPaymentRequest { payment_id: payment_id.to_owned() };
        known(PaymentServiceClient::new(self.channel("payments")).get_payment(request).await)
    }

    /// The parcel; `None` when delivery does not know it.
    pub async fn shipment(&self, shipment_id: &str) -> Result<Option<delivery::Shipment>, Status> {
        let request = delivery::GetShipmentRequest { shipment_id: shipment_id.to_owned() };
        known(DeliveryServiceClient::new(self.channel("delivery")).get_shipment(request).await)
    }

    /// What is held for an owner.
    pub async fn held_for(&self, owner: &str) -> Result<Vec<inventory::Reservation>, Status> {
        let request = inventory::ListReservationsRequest {
            state: inventory::ReservationState::Held.into(),
            owner: owner.to_owned(),
            page_size: PAGE_SIZE,
            ..Default::default()
        };
        let mut inventory = InventoryServiceClient::new(self.channel("inventory"));
        Ok(inventory.list_reservations(request).await?.into_inner().reservations)
    }

    /// Orders of a customer.
    pub async fn orders_of(&self, customer_id: &str) -> Result<Vec<String>, Status> {
        let mut found = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = orders::ListOrdersRequest {
                customer_id: customer_id.to_owned(),
                page_size: PAGE_SIZE,
                page_token,
                ..Default::default()
            };
            let page =
                OrderServiceClient::new(self.channel("orders")).list_orders(request).await?.into_inner();
            found.extend(page.orders.into_iter().map(|order| order.order_id));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(found);
            }
        }
    }

    /// What the consumers of a service could not apply.
    pub async fn parked(&self, service: &str) -> Result<Vec<ParkedEvent>, Status> {
        all_parked(|| self.channel(service)).await
    }
}

fn known<T>(answer: Result<Response<T>, Status>) -> Result<Option<T>, Status> {
    match answer {
        Ok(found) => Ok(Some(found.into_inner())),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(status),
    }
}
