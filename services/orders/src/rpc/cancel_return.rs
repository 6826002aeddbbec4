//! Gives up a return whose goods were not received.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use types::ReturnId;

use crate::Orders;
use crate::error::Result;
use crate::model::return_state::ReturnState;
use crate::rpc::return_desk::Move;

const METHOD: &str = "orders.cancel_return";

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::CancelReturnRequest,
) -> Result<pb::Return> {
    let mut fields = Fields::new();
    let return_id: Option<ReturnId> = fields.parse("return_id", &request.return_id);
    let etag = Some(request.etag.clone());
    let key = fields.idempotency_key(&request.idempotency_key);
    let return_id = fields.finish_with(return_id)?;

    let wanted = Move { return_id, etag, key, to: ReturnState::Cancelled };
    wanted.make(orders, call, METHOD, &request, |_| ()).await
}
