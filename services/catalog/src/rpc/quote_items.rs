//! Prices the items of a cart or order in one currency. Asked for every order: concurrent calls share one statement.

use std::sync::Arc;

use ::rpc::{Fields, Invalid};
use chrono::{DateTime, Utc};
use proto::catalog::v1 as pb;
use store::{Batcher, Store};
use types::{Currency, Money, Quantity, Sku};

use crate::error::{Error, Result};
use crate::model::{Asked, Quoted};
use crate::{Catalog, request, wire};

/// Items of one call.
const ITEMS_MAX: usize = 1000;

/// Looks up what the items of several calls cost.
pub(crate) type Quoter = Batcher<Vec<Asked>, Vec<Option<Quoted>>, Error>;

/// Starts the worker.
pub(crate) fn quoter(store: Store) -> Quoter {
    Batcher::start("catalog.quote_items", move |calls| quote_together(store.clone(), calls))
}

struct Wanted {
    currency: Currency,
    channel: Arc<str>,
    items: Vec<(Sku, Quantity)>,
}

pub(crate) async fn handle(
    catalog: &Catalog,
    request: pb::QuoteItemsRequest,
) -> Result<pb::QuoteItemsResponse> {
    let wanted = Wanted::parse(&request)?;
    let quoted = catalog.quoter.submit(wanted.asked(catalog.clock.now())).await?;

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

/// Answers all calls with one statement; when a row cannot be read, each by itself, so that only its own call fails.
async fn quote_together(store: Store, calls: Vec<Vec<Asked>>) -> Vec<Result<Vec<Option<Quoted>>>> {
    let error = match quote(&store, &calls).await {
        Ok(quoted) => {
            let mut quoted = quoted.into_iter();
            return calls.iter().map(|call| Ok(quoted.by_ref().take(call.len()).collect())).collect();
        }
        Err(error) => error,
    };
    if let Error::Store(outage) = &error
        && outage.is_transient()
    {
        let outage = |_| Err(store::Error::Unreachable(outage.to_string().into()).into());
        return calls.iter().map(outage).collect();
    }
    let mut answers = Vec::with_capacity(calls.len());
    for call in calls.chunks(1) {
        answers.push(quote(&store, call).await);
    }
    answers
}

async fn quote(store: &Store, calls: &[Vec<Asked>]) -> Result<Vec<Option<Quoted>>> {
    let asked: Vec<&Asked> = calls.iter().flatten().collect();
    Quoted::load(&mut *store.connection().await?, &asked).await
}

impl Wanted {
    fn parse(request: &pb::QuoteItemsRequest) -> Result<Self, Invalid> {
        let mut fields = Fields::new();
        let currency = fields.parse("currency_code", &request.currency_code);
        let channel = request::channel(&mut fields, "channel", &request.channel).into();
        fields.list_length("items", request.items.len(), ITEMS_MAX);
        let mut items = Vec::with_capacity(request.items.len().min(ITEMS_MAX));
        for (at, item) in request.items.iter().take(ITEMS_MAX).enumerate() {
            let sku: Option<Sku> = fields.parse(&format!("items[{at}].sku"), &item.sku);
            let quantity: Option<Quantity> = fields.convert(&format!("items[{at}].quantity"), item.quantity);
            items.extend(sku.zip(quantity));
        }
        fields.finish_with(currency.map(|currency| Self { currency, channel, items }))
    }

    fn asked(&self, at: DateTime<Utc>) -> Vec<Asked> {
        let ask = |(sku, _): &(Sku, Quantity)| Asked {
            sku: sku.clone(),
            currency: self.currency,
            channel: self.channel.clone(),
            at,
        };
        self.items.iter().map(ask).collect()
    }
}
