//! Opens a shop as an operator does once: legal entity, shop, sources, a key for everything else.

use std::time::Duration;

use proto::access::v1::access_service_client::AccessServiceClient;
use proto::access::v1::{
    Channel, ChannelAccount, CreateApiKeyRequest, CreateChannelAccountRequest, CreateLegalEntityRequest,
    CreateShopRequest, LegalEntity, Shop,
};
use rpc::{BoundChannel, Call, Caller, Directory};
use tonic::Status;

const PATIENCE: Duration = Duration::from_secs(30);
/// Requests per second of its key: more than one machine can ask.
const RATE_LIMIT: i32 = 10_000;

/// What is opened.
pub struct NewShop<'a> {
    /// Who opens it, for the history; the idempotency keys begin with it.
    pub by: &'a str,
    /// The legal entity's name.
    pub legal_entity: &'a str,
    /// The shop; its legal entity is filled in.
    pub shop: Shop,
    /// Where its orders come from: names and kinds. A marketplace has sold already: its orders are always accepted.
    pub sources: &'a [(&'a str, Channel)],
    /// What its key may do.
    pub scopes: Vec<String>,
}

/// An open shop.
pub struct OpenedShop {
    /// `shp_…`.
    pub shop_id: String,
    /// `src_…`, in the order of the sources.
    pub source_ids: Vec<String>,
    /// The secret of its key.
    pub key: String,
}

impl NewShop<'_> {
    /// Opens it.
    pub async fn open(self, directory: &Directory) -> Result<OpenedShop, Status> {
        let call = Call::begin(Caller::operator(self.by), PATIENCE);
        let mut access = AccessServiceClient::new(directory.channel("access").bind(&call));
        let shop_id = self.open_shop(&mut access).await?;
        let mut source_ids = Vec::new();
        for (name, channel) in self.sources {
            source_ids.push(self.open_source(&mut access, &shop_id, name, *channel).await?);
        }
        let request = CreateApiKeyRequest {
            name: self.by.to_owned(),
            shop_ids: vec![shop_id.clone()],
            scopes: self.scopes.clone(),
            rate_limit: RATE_LIMIT,
            idempotency_key: self.by.to_owned(),
        };
        let key = access.create_api_key(request).await?.into_inner().secret;
        Ok(OpenedShop { shop_id, source_ids, key })
    }

    async fn open_shop(&self, access: &mut AccessServiceClient<BoundChannel>) -> Result<String, Status> {
        let entity = LegalEntity { name: self.legal_entity.to_owned(), ..Default::default() };
        let idempotency_key = self.by.to_owned();
        let request = CreateLegalEntityRequest { legal_entity: Some(entity), idempotency_key };
        let legal_entity_id = access.create_legal_entity(request).await?.into_inner().legal_entity_id;

        let shop = Shop { legal_entity_id, ..self.shop.clone() };
        let request = CreateShopRequest { shop: Some(shop), idempotency_key: self.by.to_owned() };
        Ok(access.create_shop(request).await?.into_inner().shop_id)
    }

    async fn open_source(
        &self,
        access: &mut AccessServiceClient<BoundChannel>,
        shop_id: &str,
        name: &str,
        channel: Channel,
    ) -> Result<String, Status> {
        let account = ChannelAccount {
            shop_id: shop_id.to_owned(),
            channel: channel.into(),
            name: name.to_owned(),
            always_accept: channel == Channel::Marketplace,
            ..Default::default()
        };
        let idempotency_key = format!("{}-{name}", self.by);
        let request = CreateChannelAccountRequest { channel_account: Some(account), idempotency_key };
        Ok(access.create_channel_account(request).await?.into_inner().source_id)
    }
}
