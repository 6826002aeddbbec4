//! Freezes what a cart costs, delivery included, and holds its units on demand.

use chrono::TimeDelta;
use prost::Message;
use proto::orders::v1 as pb;
use rpc::{Call, Fault, is_unknown_outcome};
use store::{Audit, Claim, Once, Tx, fingerprint};
use tonic::{Code, Status};
use types::{Money, QuoteId};

use crate::batches::record_orders::NewOrder;
use crate::error::{Error, Result};
use crate::jobs::expire_quotes;
use crate::model::order::Order;
use crate::model::placement::{PriceRefusal, Priced, TOTAL_MINOR_MAX, Unmatched};
use crate::model::promo_code::{PromoCode, PromoRefusal};
use crate::model::promo_use::{self, Redeemer};
use crate::model::quote::{Choice, Quote, QuoteState};
use crate::model::quote_rows;
use crate::rpc::offer_fields;
use crate::rpc::place_order::{Destination, Hold, WantedQuote};
use crate::sagas::place_order::Terms;
use crate::upstreams::{Shop, Supply};
use crate::{Orders, wire};

/// The operation, as idempotency keys name it.
pub const METHOD: &str = "orders.create_quote";

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::CreateQuoteRequest,
) -> Result<pb::Quote> {
    let wanted = WantedQuote::parse(call, &request)?;
    let scope = wanted.wanted.shop_id.to_string();
    let once = Once { scope: &scope, method: METHOD, key: &wanted.idempotency_key };
    if let Some(answer) = orders.store.answered(once, &request).await? {
        return read_answer(&answer);
    }

    let shop = orders.ask.access.shop(call, wanted.wanted.shop_id).await?;
    let source = orders.ask.access.source(call, wanted.wanted.source_id).await?;
    let quote_id = QuoteId::new();
    let (destination, hold) = (wanted.destination, wanted.hold);
    let (extras, key) = (wanted.extras, wanted.idempotency_key);
    let NewOrder { order, terms, .. } = WantedQuote::order(wanted.wanted, call, quote_id, &shop, &source)?;
    let asking = Asking { orders, call: &call.continued_by("orders", call.remaining()), order: &order };
    let priced = asking.price(&terms).await?;
    let promo_code = asking.promo_code(&terms).await?;

    let priced = match &promo_code {
        None => priced,
        Some(code) => {
            code.check(order.shop_id, orders.store.clock().now(), priced.goods_total)?;
            priced.discounted(&code.discounts()).map_err(refused)?
        }
    };
    let delivery_method_id = destination.as_ref().and_then(|destination| destination.method_id);
    let choices = match &destination {
        None => Vec::new(),
        Some(destination) => asking.choices(destination, &priced).await?,
    };
    let now = orders.store.clock().now();
    let quote = Quote {
        quote_id,
        shop_id: order.shop_id,
        source_id: order.source_id,
        channel: order.channel.clone(),
        state: if hold == Hold::Stock { QuoteState::Reserving } else { QuoteState::Open },
        currency: order.currency,
        payment_method: order.payment_method,
        lines: priced.lines.clone(),
        goods_total: priced.goods_total,
        weight_grams: priced.weight_grams,
        choices,
        delivery_method_id,
        destination: destination
            .map(|destination| offer_fields::destination(quote_id, destination.given.as_ref())),
        extras,
        promo_code_id: promo_code.as_ref().map(|code| code.promo_code_id),
        promo_code: promo_code.map(|code| code.code).unwrap_or_default(),
        holds_stock: hold == Hold::Stock,
        idempotency_key: key,
        expire_time: now + TimeDelta::minutes(shop.quote_minutes),
        create_time: now,
    };

    match record(orders, call, &request, &quote).await? {
        Recorded::Before(answer) => Ok(*answer),
        Recorded::Now if hold == Hold::Nothing => Ok(wire::quote(&quote, now)),
        Recorded::Now => asking.hold(&shop, quote, &priced).await,
    }
}

/// Where a call with this key leads.
enum Recorded {
    Before(Box<pb::Quote>),
    Now,
}

/// Writes the quote and takes its promo code. One that is to hold stock is not answered yet: nobody knows it before its
/// stock is held, and a job ends it when this call does not come back.
async fn record(
    orders: &Orders,
    call: &Call,
    request: &pb::CreateQuoteRequest,
    quote: &Quote,
) -> Result<Recorded> {
    let scope = quote.shop_id.to_string();
    let once = Once { scope: &scope, method: METHOD, key: &quote.idempotency_key };
    let recorded = orders.store.transaction(call, async |tx: &mut Tx| {
        if let Claim::Done(answer) = tx.claim(once, &fingerprint(request)).await? {
            return Ok(Recorded::Before(Box::new(read_answer(&answer)?)));
        }
        if quote.promo_code_id.is_some() {
            // It may have been used up since the price was computed, but what it takes off never changes.
            let code = PromoCode::lock_typed(tx, &quote.promo_code).await?;
            let same = |code: &PromoCode| Some(code.promo_code_id) == quote.promo_code_id;
            let code = code.filter(same).ok_or(PromoRefusal::Unknown)?;
            promo_use::take(tx, &code, quote.order_id(), &Redeemer::default()).await??;
        }
        quote.insert(tx).await?;
        tx.audit(
            Audit::new(METHOD, quote.quote_id)
                .shop(quote.shop_id.uuid())
                .set("total", quote.total().amount())
                .set("promo_code", &quote.promo_code)
                .set("holds_stock", quote.holds_stock)
                .set("expire_time", quote.expire_time.to_rfc3339()),
        );
        if quote.state == QuoteState::Open {
            tx.fulfil(once, &wire::quote(quote, tx.now()).encode_to_vec()).await?;
        }
        Ok::<_, Error>(Recorded::Now)
    });
    recorded.await
}

fn read_answer(answer: &[u8]) -> Result<pb::Quote> {
    pb::Quote::decode(answer).map_err(|error| store::Error::Corrupt(error.to_string()).into())
}

/// What is asked of the other services for a quote, as this service: the caller's key need not reach them.
struct Asking<'a> {
    orders: &'a Orders,
    call: &'a Call,
    order: &'a Order,
}

impl Asking<'_> {
    async fn price(&self, terms: &Terms) -> Result<Priced> {
        let answered = self.orders.ask.catalog.quote(self.call, self.order).await;
        let quotes = answered.map_err(Error::Answered)?;
        let unmatched = if terms.accept_unmatched { Unmatched::Accepted } else { Unmatched::Refused };
        let priced = Priced::of(self.order, quotes, unmatched).map_err(refused)?;
        match &terms.offer {
            None => Ok(priced),
            Some(offer) => priced.discounted(&offer.discounts(self.order.currency)).map_err(refused),
        }
    }

    async fn promo_code(&self, terms: &Terms) -> Result<Option<PromoCode>> {
        let Some(typed) = terms.offer.as_ref().and_then(|offer| offer.promo_code()) else { return Ok(None) };
        let mut connection = self.orders.store.connection().await?;
        let code = PromoCode::find_typed(&mut connection, typed).await?;
        Ok(Some(code.ok_or(PromoRefusal::Unknown)?))
    }

    /// The way that was asked for, or all that fit.
    async fn choices(&self, destination: &Destination, priced: &Priced) -> Result<Vec<Choice>> {
        let asked =
            self.orders.ask.delivery.choices(self.call, self.order, destination.address.as_ref(), priced);
        let mut choices = asked.await.map_err(Error::Answered)?;
        if let Some(method_id) = destination.method_id {
            choices.retain(|choice| choice.method_id == method_id);
        }
        if let (Some(price), [choice]) = (destination.price, choices.as_mut_slice()) {
            choice.price = price;
        }
        if choices.is_empty() {
            return Err(Error::DeliveryUnavailable);
        }
        for choice in &choices {
            in_currency(choice.price, self.order)?;
            let total =
                priced.goods_total.checked_add(choice.price).map_err(PriceRefusal::from).map_err(refused)?;
            if total.minor() > TOTAL_MINOR_MAX {
                return Err(refused(types::MoneyError::TooLarge.into()));
            }
        }
        Ok(choices)
    }

    /// Holds the units for the order that the quote becomes, then opens the quote.
    async fn hold(&self, shop: &Shop, quote: Quote, priced: &Priced) -> Result<pb::Quote> {
        if priced.stock_lines().next().is_some() {
            let warehouses: Vec<String> = shop.warehouse_ids.iter().map(ToString::to_string).collect();
            let supply = Supply {
                warehouse_ids: &warehouses,
                accept_shortage: false,
                one_warehouse: !shop.split_allowed,
            };
            let held = self.orders.ask.inventory.reserve(self.call, self.order, priced, supply);
            if let Err(refusal) = held.await {
                // An unknown outcome is the job's to clear up: the units may be held.
                if !is_unknown_outcome(&refusal) {
                    expire_quotes::give_up(self.orders, self.call, &quote).await?;
                }
                return Err(Error::Answered(refusal));
            }
        }
        let opened = self.orders.store.transaction(self.call, async |tx: &mut Tx| {
            let (from, to) = (QuoteState::Reserving, QuoteState::Open);
            if !quote_rows::change_state(tx, quote.quote_id, from, to).await? {
                let why = "holding the stock took too long";
                return Err(Error::Answered(Fault::new(Code::Unavailable, "HOLD_OVERDUE", why).into()));
            }
            let answer = wire::quote(&Quote { state: to, ..quote.clone() }, tx.now());
            let scope = quote.shop_id.to_string();
            let once = Once { scope: &scope, method: METHOD, key: &quote.idempotency_key };
            tx.fulfil(once, &answer.encode_to_vec()).await?;
            tx.audit(Audit::new(METHOD, quote.quote_id).shop(quote.shop_id.uuid()).change(
                "state",
                from.name(),
                to.name(),
            ));
            Ok::<_, Error>(answer)
        });
        opened.await
    }
}

fn in_currency(price: Money, order: &Order) -> Result<()> {
    if price.currency() == order.currency {
        return Ok(());
    }
    let problem = format!("the quote is in {}", order.currency);
    Err(rpc::Invalid::field("delivery.price", "CURRENCY_MISMATCH", problem).into())
}

fn refused(refusal: PriceRefusal) -> Error {
    Error::Answered(Status::from(refusal))
}
