//! Asks access for the shop a feed is of.

use std::time::Duration;

use proto::access::v1 as pb;
use proto::access::v1::access_service_client::AccessServiceClient;
use rpc::{Call, Channel};
use tonic::Status;
use types::ShopId;

/// How long access is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// The shops.
#[derive(Clone)]
pub(crate) struct Access(Channel);

/// What a feed says of its shop.
#[derive(Debug, Clone)]
pub(crate) struct Shop {
    pub(crate) name: String,
    /// Where it is on the web, such as `https://shop.example`; empty when nobody said.
    pub(crate) url: String,
    /// Whose stock counts; every one when empty.
    pub(crate) warehouses: Vec<String>,
}

impl Access {
    pub(super) fn new(channel: Channel) -> Self {
        Self(channel)
    }

    /// The shop, as far as the caller may see it.
    pub(crate) async fn shop(&self, call: &Call, id: ShopId) -> Result<Shop, Status> {
        let call = call.continued_by("catalog", PATIENCE.min(call.remaining()));
        let request = pb::GetShopRequest { shop_id: id.to_string() };
        let shop = AccessServiceClient::new(self.0.bind(&call)).get_shop(request).await?.into_inner();
        Ok(Shop { name: shop.name, url: origin(&shop.page_url), warehouses: shop.warehouse_ids })
    }
}

/// The scheme and host of an address.
fn origin(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return String::new() };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    format!("{scheme}://{host}")
}
