//! Prices the items of a cart or order in one currency. Asked for every order: one statement, whatever the items.

use ::rpc::{Fields, Invalid};
use proto::catalog::v1 as pb;
use types::{Currency, Money, Quantity, Sku};

use crate::error::Result;
use crate::model::Quoted;
use crate::{Catalog, request, wire};

/// Items of one call.
const ITEMS_MAX: usize = 200;

struct Wanted {
    currency: Currency,
    channel: String,
    items: Vec<(Sku, Quantity)>,
}

pub(crate) async fn handle(
    catalog: &Catalog,
    request: pb::QuoteItemsRequest,
) -> Result<pb::QuoteItemsResponse> {
    let wanted = Wanted::parse(&request)?;

    let mut connection = catalog.store.connection().await?;
    let skus: Vec<&str> = wanted.items.iter().map(|(sku, _)| sku.as_str()).collect();
    let now = catalog.clock.now();
    let quoted = Quoted::load(&mut connection, &skus, wanted.currency, &wanted.channel, now).await?;
    drop(connection);

    let mut fields = Fields::new();
    let mut items = Vec::with_capacity(quoted.len());
    for (at, ((sku, quantity), quoted)) in wanted.items.iter().zip(quoted).enumerate() {
        let total = quoted.as_ref().and_then(|quoted| total(&mut fields, at, quoted, *quantity));
        items.push(wire::quoted_item(sku.as_str(), quoted, total));
    }
    fields.finish()?;
    Ok(pb::QuoteItemsResponse { items })
}

fn total(fields: &mut Fields, at: usize, quoted: &Quoted, quantity: Quantity) -> Option<Money> {
    let total = quoted.unit_price?.scaled(quantity.into(), quoted.price_quantity.into());
    total
        .map_err(|error| fields.refuse(format!("items[{at}].quantity"), "OUT_OF_RANGE", error.to_string()))
        .ok()
}

impl Wanted {
    fn parse(request: &pb::QuoteItemsRequest) -> Result<Self, Invalid> {
        let mut fields = Fields::new();
        let currency = fields.parse("currency_code", &request.currency_code);
        let channel = request::channel(&mut fields, "channel", &request.channel);
        fields.list_length("items", request.items.len(), ITEMS_MAX);
        let mut items = Vec::with_capacity(request.items.len().min(ITEMS_MAX));
        for (at, item) in request.items.iter().take(ITEMS_MAX).enumerate() {
            let sku: Option<Sku> = fields.parse(&format!("items[{at}].sku"), &item.sku);
            let quantity: Option<Quantity> = fields.convert(&format!("items[{at}].quantity"), item.quantity);
            items.extend(sku.zip(quantity));
        }
        fields.finish_with(currency.map(|currency| Self { currency, channel, items }))
    }
}
