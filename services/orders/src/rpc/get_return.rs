//! Shows one return.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use types::ReturnId;

use crate::error::Result;
use crate::rpc::return_desk::load;
use crate::{Orders, wire};

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::GetReturnRequest,
) -> Result<pb::Return> {
    let mut fields = Fields::new();
    let return_id: Option<ReturnId> = fields.parse("return_id", &request.return_id);
    let return_id = fields.finish_with(return_id)?;

    let one = load(orders, call, return_id).await?;

    Ok(wire::returns::whole(&one))
}
