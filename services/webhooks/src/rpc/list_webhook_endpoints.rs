//! Lists the endpoints of the caller's shops, oldest first.

use ::rpc::Call;
use proto::webhooks::v1 as pb;
use store::Page;

use crate::error::Result;
use crate::model::endpoint_rows;
use crate::{Webhooks, wire};

pub(crate) async fn handle(
    webhooks: &Webhooks,
    call: &Call,
    request: pb::ListWebhookEndpointsRequest,
) -> Result<pb::ListWebhookEndpointsResponse> {
    let store = &webhooks.store;
    let page = Page::parse(store, request.page_size, &request.page_token, b"webhook endpoints")?;

    let mut connection = store.connection().await?;
    let shops = call.caller.shops.filter();
    let endpoints = endpoint_rows::list(store, &mut connection, shops, page.after, page.limit()).await?;

    let (endpoints, next_page_token) = page.cut(store, endpoints, |endpoint| endpoint.id.uuid());
    let webhook_endpoints = endpoints.iter().map(wire::endpoint).collect();
    Ok(pb::ListWebhookEndpointsResponse { webhook_endpoints, next_page_token })
}
