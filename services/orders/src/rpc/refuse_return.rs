//! Does not agree to a return.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use types::ReturnId;

use crate::Orders;
use crate::error::Result;
use crate::model::return_state::ReturnState;
use crate::rpc::return_desk::Move;

const METHOD: &str = "orders.refuse_return";
const EXPLANATION_LENGTH_MAX: usize = 1000;

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::RefuseReturnRequest,
) -> Result<pb::Return> {
    let mut fields = Fields::new();
    let return_id: Option<ReturnId> = fields.parse("return_id", &request.return_id);
    let explanation = fields.required_text("explanation", &request.explanation, EXPLANATION_LENGTH_MAX);
    let etag = Some(request.etag.clone());
    let key = fields.idempotency_key(&request.idempotency_key);
    let return_id = fields.finish_with(return_id)?;

    let wanted = Move { return_id, etag, key, to: ReturnState::Refused };
    wanted.make(orders, call, METHOD, &request, |one| one.explanation = explanation).await
}
