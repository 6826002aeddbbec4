//! Shows who changed a return, when and how.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::ReturnId;

use crate::Orders;
use crate::error::Result;
use crate::rpc::return_desk::load;

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::ListReturnHistoryRequest,
) -> Result<pb::ListReturnHistoryResponse> {
    let mut fields = Fields::new();
    let return_id: Option<ReturnId> = fields.parse("return_id", &request.return_id);
    let return_id = fields.finish_with(return_id)?;
    let filter = request.return_id.as_bytes();
    let page = Page::parse(&orders.store, request.page_size, &request.page_token, filter)?;

    let one = load(orders, call, return_id).await?;
    let (entries, next_page_token) = orders.store.history(&one.return_id.to_string(), &page).await?;

    Ok(pb::ListReturnHistoryResponse { entries, next_page_token })
}
