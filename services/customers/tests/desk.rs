//! A desk where people are seen and looked up: the service, two shops, and short ways to speak to it.

use korob_customers::Customers;
use proto::customers::v1 as pb;
use proto::customers::v1::customer_service_client::CustomerServiceClient;
use proto::events::v1::event_log_service_server::EventLogServiceServer;
use rpc::{BoundChannel, Caller};
use testing::World;
use types::ShopId;
use uuid::Uuid;

use crate::stand_ins::{OrderLog, ShopsIn};

pub type Client = CustomerServiceClient<BoundChannel>;

pub const READ: &str = "customers.read";
pub const WRITE: &str = "customers.write";

pub struct Desk {
    pub world: World,
    pub orders: OrderLog,
    /// Two shops of the organisation.
    pub site: ShopId,
    pub market: ShopId,
}

impl Desk {
    pub async fn open() -> Self {
        Self::open_in("UA").await
    }

    pub async fn open_in(country: &'static str) -> Self {
        let orders = OrderLog::default();
        let world = World::new().await.stand_in("access", ShopsIn(country));
        let world =
            world.stand_in("orders", EventLogServiceServer::new(orders.clone())).start::<Customers>().await;
        Self { world, orders, site: ShopId::new(), market: ShopId::new() }
    }

    pub fn operator(&self) -> Client {
        CustomerServiceClient::new(self.world.channel("customers"))
    }

    /// The service that places orders.
    pub fn orders_service(&self) -> Client {
        CustomerServiceClient::new(self.world.channel_as("customers", Caller::service("orders")))
    }

    pub fn partner(&self, shop: ShopId) -> Client {
        let caller = World::partner(&[shop], &[READ, WRITE]);
        CustomerServiceClient::new(self.world.channel_as("customers", caller))
    }

    pub async fn identify(&self, seen: pb::IdentifyCustomerRequest) -> pb::IdentifyCustomerResponse {
        self.orders_service().identify_customer(seen).await.unwrap().into_inner()
    }

    /// The id of the card of a person seen by the site.
    pub async fn seen(&self, name: &str, phone: &str, email: &str) -> String {
        self.identify(sighting(self.site, name, phone, email)).await.customer_id
    }

    pub async fn card(&self, customer_id: &str) -> pb::Customer {
        let request = pb::GetCustomerRequest { customer_id: customer_id.to_owned() };
        self.operator().get_customer(request).await.unwrap().into_inner()
    }

    pub async fn count(&self, sql: &str) -> i64 {
        self.world.database("customers").client().await.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// The actions in the history of a card, oldest first.
    pub async fn history_of(&self, customer_id: &str) -> Vec<String> {
        let sql = "SELECT action FROM audit_log WHERE resource_id = $1 ORDER BY sequence";
        let client = self.world.database("customers").client().await;
        client.query(sql, &[&customer_id]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    /// The types of the events of a card, in the order of their versions.
    pub async fn events_of(&self, customer_id: &str) -> Vec<String> {
        let sql = "SELECT type FROM event_log WHERE aggregate_id = $1 ORDER BY version";
        let client = self.world.database("customers").client().await;
        client.query(sql, &[&customer_id]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }
}

pub fn sighting(shop: ShopId, name: &str, phone: &str, email: &str) -> pb::IdentifyCustomerRequest {
    pb::IdentifyCustomerRequest {
        shop_id: shop.into(),
        name: name.to_owned(),
        phone: phone.to_owned(),
        email: email.to_owned(),
        country_code: String::new(),
    }
}

/// An id of the right shape that nobody has.
pub fn nobody() -> String {
    format!("cus_{}", Uuid::new_v4().simple())
}
