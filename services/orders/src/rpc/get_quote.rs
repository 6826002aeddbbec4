//! Shows one quote.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use types::QuoteId;

use crate::error::{Error, Result};
use crate::model::quote::{Quote, QuoteState};
use crate::{Orders, wire};

pub(super) async fn handle(orders: &Orders, call: &Call, request: pb::GetQuoteRequest) -> Result<pb::Quote> {
    let mut fields = Fields::new();
    let quote_id: Option<QuoteId> = fields.parse("quote_id", &request.quote_id);
    let quote_id = fields.finish_with(quote_id)?;

    let mut connection = orders.store.connection().await?;
    let quote = Quote::load(&mut connection, quote_id).await?;
    let visible =
        |quote: &Quote| call.caller.shops.allow(quote.shop_id) && quote.state != QuoteState::Reserving;
    let quote = quote.filter(visible).ok_or(Error::QuoteNotFound)?;

    Ok(wire::quote(&quote, orders.store.clock().now()))
}
