//! Returns one endpoint.

use ::rpc::{Call, Fields};
use proto::webhooks::v1 as pb;

use crate::error::Result;
use crate::{Webhooks, request, wire};

pub(crate) async fn handle(
    webhooks: &Webhooks,
    call: &Call,
    request: pb::GetWebhookEndpointRequest,
) -> Result<pb::WebhookEndpoint> {
    let mut fields = Fields::new();
    let id = request::endpoint_id(&mut fields, &request.endpoint_id);
    let id = fields.finish_with(id)?;

    let endpoint = request::find(webhooks, call, id).await?;
    Ok(wire::endpoint(&endpoint))
}
