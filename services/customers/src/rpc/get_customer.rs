//! Returns one card.

use ::rpc::{Call, Fields};
use proto::customers::v1 as pb;
use types::CustomerId;

use crate::error::{Error, Result};
use crate::model::Card;
use crate::{Customers, wire};

pub(crate) async fn handle(
    customers: &Customers,
    call: &Call,
    request: pb::GetCustomerRequest,
) -> Result<pb::Customer> {
    let mut fields = Fields::new();
    let id: Option<CustomerId> = fields.parse("customer_id", &request.customer_id);
    let id = fields.finish_with(id)?;

    let mut connection = customers.store.connection().await?;
    let card = Card::find(&mut connection, id, call.caller.shops.filter()).await?;

    Ok(wire::customer(card.ok_or(Error::CustomerNotFound(id))?))
}
