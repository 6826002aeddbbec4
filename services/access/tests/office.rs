//! An office to test in: the service, and short ways to set up what a test needs.

use korob_access::Access;
use proto::access::v1 as pb;
use proto::access::v1::access_service_client::AccessServiceClient;
use rpc::BoundChannel;
use testing::World;
use types::ShopId;
use uuid::Uuid;

pub type Client = AccessServiceClient<BoundChannel>;

/// Every scope of access that a partner can hold.
pub const READ: &str = "access.read";
pub const WRITE: &str = "access.write";

pub struct Office {
    pub world: World,
}

impl Office {
    pub async fn open() -> Self {
        Self { world: World::new().await.start::<Access>().await }
    }

    pub fn operator(&self) -> Client {
        AccessServiceClient::new(self.world.channel("access"))
    }

    pub fn partner(&self, shops: &[&pb::Shop], scopes: &[&str]) -> Client {
        let shops: Vec<ShopId> = shops.iter().map(|shop| shop.shop_id.parse().unwrap()).collect();
        AccessServiceClient::new(self.world.channel_as("access", World::partner(&shops, scopes)))
    }

    pub async fn entity(&self, name: &str) -> pb::LegalEntity {
        let entity = pb::LegalEntity { name: name.to_owned(), ..Default::default() };
        let request = pb::CreateLegalEntityRequest { legal_entity: Some(entity), idempotency_key: key() };
        self.operator().create_legal_entity(request).await.unwrap().into_inner()
    }

    /// A shop as people would describe it, not yet made.
    pub async fn described(&self, name: &str) -> pb::Shop {
        pb::Shop {
            legal_entity_id: self.entity(&format!("Owner of {name}")).await.legal_entity_id,
            name: name.to_owned(),
            time_zone: "Europe/Kyiv".to_owned(),
            locale: "uk-UA".to_owned(),
            currency_code: "UAH".to_owned(),
            ..Default::default()
        }
    }

    pub async fn shop(&self, name: &str) -> pb::Shop {
        let shop = self.described(name).await;
        self.operator().create_shop(create(shop)).await.unwrap().into_inner()
    }

    pub async fn account(&self, shop: &pb::Shop, channel: pb::Channel) -> pb::ChannelAccount {
        let request = register(shop, channel, "an account");
        self.operator().create_channel_account(request).await.unwrap().into_inner()
    }

    pub async fn key_for(&self, shop: &pb::Shop) -> pb::CreateApiKeyResponse {
        let request = pb::CreateApiKeyRequest {
            shop_ids: vec![shop.shop_id.clone()],
            ..key_request("site", &["orders.write"])
        };
        self.operator().create_api_key(request).await.unwrap().into_inner()
    }
}

pub fn key() -> String {
    Uuid::new_v4().to_string()
}

pub fn create(shop: pb::Shop) -> pb::CreateShopRequest {
    pb::CreateShopRequest { shop: Some(shop), idempotency_key: key() }
}

pub fn register(shop: &pb::Shop, channel: pb::Channel, name: &str) -> pb::CreateChannelAccountRequest {
    let account = pb::ChannelAccount {
        shop_id: shop.shop_id.clone(),
        channel: channel.into(),
        name: name.to_owned(),
        ..Default::default()
    };
    pb::CreateChannelAccountRequest { channel_account: Some(account), idempotency_key: key() }
}

pub fn key_request(name: &str, scopes: &[&str]) -> pb::CreateApiKeyRequest {
    pb::CreateApiKeyRequest {
        name: name.to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        idempotency_key: key(),
        ..Default::default()
    }
}

pub fn mask(paths: &[&str]) -> Option<prost_types::FieldMask> {
    Some(prost_types::FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() })
}

/// An id of the right shape that nobody has.
pub fn nobody(prefix: &str) -> String {
    format!("{prefix}_{}", Uuid::new_v4().simple())
}
