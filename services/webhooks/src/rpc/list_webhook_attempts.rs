//! Lists the attempts of a delivery, newest first.

use ::rpc::{Call, Fields};
use proto::webhooks::v1 as pb;
use store::Page;
use types::WebhookDeliveryId;

use crate::error::Result;
use crate::model::delivery_rows;
use crate::{Webhooks, request, wire};

pub(crate) async fn handle(
    webhooks: &Webhooks,
    call: &Call,
    request: pb::ListWebhookAttemptsRequest,
) -> Result<pb::ListWebhookAttemptsResponse> {
    let mut fields = Fields::new();
    let id: Option<WebhookDeliveryId> = fields.parse("delivery_id", &request.delivery_id);
    let id = fields.finish_with(id)?;
    let store = &webhooks.store;
    let filter = request.delivery_id.as_bytes();
    let page: Page<i32> = Page::parse(store, request.page_size, &request.page_token, filter)?;
    request::find_delivery(webhooks, call, id).await?;

    let mut connection = store.connection().await?;
    let attempts = delivery_rows::attempts(&mut connection, id, page.after, page.limit()).await?;

    let (attempts, next_page_token) = page.cut(store, attempts, |attempt| attempt.attempt);
    let webhook_attempts = attempts.iter().map(wire::attempt).collect();
    Ok(pb::ListWebhookAttemptsResponse { webhook_attempts, next_page_token })
}
