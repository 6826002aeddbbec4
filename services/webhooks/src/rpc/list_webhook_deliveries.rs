//! Lists deliveries to an endpoint, newest first.

use ::rpc::{Call, Fields};
use proto::webhooks::v1 as pb;
use store::Page;

use crate::error::Result;
use crate::model::delivery::State;
use crate::model::delivery_rows;
use crate::{Webhooks, request, wire};

pub(crate) async fn handle(
    webhooks: &Webhooks,
    call: &Call,
    request: pb::ListWebhookDeliveriesRequest,
) -> Result<pb::ListWebhookDeliveriesResponse> {
    let mut fields = Fields::new();
    let id = request::endpoint_id(&mut fields, &request.endpoint_id);
    let state = match pb::WebhookDeliveryState::try_from(request.state) {
        Ok(pb::WebhookDeliveryState::Unspecified) => None,
        Ok(pb::WebhookDeliveryState::Pending) => Some(State::Pending),
        Ok(pb::WebhookDeliveryState::Delivered) => Some(State::Delivered),
        Ok(pb::WebhookDeliveryState::Dead) => Some(State::Dead),
        Err(_) => {
            fields.refuse("state", "UNKNOWN_VALUE", "not a state of this version");
            None
        }
    };
    let id = fields.finish_with(id)?;
    let store = &webhooks.store;
    let filter = format!("{id} {}", request.state);
    let page: Page<i64> = Page::parse(store, request.page_size, &request.page_token, filter.as_bytes())?;
    request::find(webhooks, call, id).await?;

    let mut connection = store.connection().await?;
    let deliveries = delivery_rows::list(&mut connection, id, state, page.after, page.limit()).await?;

    let (deliveries, next_page_token) = page.cut(store, deliveries, |delivery| delivery.sequence);
    let webhook_deliveries = deliveries.iter().map(|one| wire::delivery(one, None)).collect();
    Ok(pb::ListWebhookDeliveriesResponse { webhook_deliveries, next_page_token })
}
