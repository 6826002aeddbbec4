//! Who changed a card, when and how.

use ::rpc::{Call, Fields};
use proto::customers::v1 as pb;
use store::Page;
use types::CustomerId;

use crate::Customers;
use crate::error::{Error, Result};
use crate::model::Card;

pub(crate) async fn handle(
    customers: &Customers,
    call: &Call,
    request: pb::ListCustomerHistoryRequest,
) -> Result<pb::ListCustomerHistoryResponse> {
    let mut fields = Fields::new();
    let id: Option<CustomerId> = fields.parse("customer_id", &request.customer_id);
    let id = fields.finish_with(id)?;
    let filter = request.customer_id.as_bytes();
    let page = Page::parse(&customers.store, request.page_size, &request.page_token, filter)?;

    let mut connection = customers.store.connection().await?;
    if !Card::is_visible(&mut connection, id, call.caller.shops.filter()).await? {
        return Err(Error::CustomerNotFound(id));
    }
    drop(connection);
    let (entries, next_page_token) = customers.store.history(&request.customer_id, &page).await?;

    Ok(pb::ListCustomerHistoryResponse { entries, next_page_token })
}
