//! Says that the goods of a return are on their way back.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use types::ReturnId;

use crate::Orders;
use crate::error::Result;
use crate::model::return_state::ReturnState;
use crate::rpc::return_desk::Move;

const METHOD: &str = "orders.send_return";
const CARRIER_LENGTH_MAX: usize = 100;
const NUMBER_LENGTH_MAX: usize = 100;

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::SendReturnRequest,
) -> Result<pb::Return> {
    let mut fields = Fields::new();
    let return_id: Option<ReturnId> = fields.parse("return_id", &request.return_id);
    let carrier = fields.text("carrier", &request.carrier, CARRIER_LENGTH_MAX);
    let tracking_number = fields.text("tracking_number", &request.tracking_number, NUMBER_LENGTH_MAX);
    let etag = Some(request.etag.clone());
    let key = fields.idempotency_key(&request.idempotency_key);
    let return_id = fields.finish_with(return_id)?;

    let wanted = Move { return_id, etag, key, to: ReturnState::InTransit };
    wanted
        .make(orders, call, METHOD, &request, |one| {
            (one.carrier, one.tracking_number) = (carrier, tracking_number)
        })
        .await
}
