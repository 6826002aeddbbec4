//! What a caller wants the price of, as the order that it may become.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use types::{Money, QuoteId};

use crate::batches::record_orders::NewOrder;
use crate::error::{Error, Result};
use crate::model::buyer::{Address, Buyer};
use crate::model::quote::Quote;
use crate::rpc::offer_fields;
use crate::rpc::order_fields::{self, SCOPE_PRICE};
use crate::rpc::place_order::wanted::{self, Wanted, WantedOffer};
use crate::upstreams::{Shop, Source};

/// A cart whose price is to be frozen.
pub(in crate::rpc) struct WantedQuote {
    pub(in crate::rpc) wanted: Wanted,
    /// Absent when nothing is delivered.
    pub(in crate::rpc) destination: Option<Destination>,
    pub(in crate::rpc) hold: Hold,
    pub(in crate::rpc) extras: Vec<u8>,
    pub(in crate::rpc) idempotency_key: String,
}

/// Where it goes.
pub(in crate::rpc) struct Destination {
    /// `None` prices every way that fits.
    pub(in crate::rpc) method_id: Option<types::DeliveryMethodId>,
    pub(in crate::rpc) address: Option<Address>,
    /// Sold at this price already.
    pub(in crate::rpc) price: Option<Money>,
    /// As it was given.
    pub(in crate::rpc) given: Option<proto::r#type::v1::Address>,
}

/// Whether units are held while the price is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rpc) enum Hold {
    Stock,
    Nothing,
}

impl WantedQuote {
    pub(in crate::rpc) fn parse(call: &Call, request: &pb::CreateQuoteRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let may_price = call.caller.may(SCOPE_PRICE);
        let shop_id = match request.shop_id.as_str() {
            "" if call.caller.shops.single().is_some() => call.caller.shops.single(),
            text => fields.parse("shop_id", text),
        };
        let source_id = fields.parse("source_id", &request.source_id);
        let idempotency_key = fields.idempotency_key(&request.idempotency_key);
        let lines = wanted::lines(&mut fields, &request.lines, may_price);
        let offer = WantedOffer {
            promo_code: offer_fields::typed_code(&mut fields, "promo_code", &request.promo_code),
            discounts: offer_fields::discounts(&mut fields, &request.lines, &request.discounts, may_price),
            ..WantedOffer::default()
        };
        let quoted = Self {
            wanted: Wanted {
                // Two that are required stand in until `finish` has refused their absence.
                shop_id: shop_id.unwrap_or_default(),
                source_id: source_id.unwrap_or_default(),
                buyer: Buyer::default(),
                lines,
                payment_method: order_fields::payment_method(&mut fields, &request.payment_method),
                currency: fields.parse_optional("currency_code", &request.currency_code),
                may_price,
                offer,
                ..Wanted::of_nobody()
            },
            destination: request.delivery.as_ref().map(|given| destination(&mut fields, given, may_price)),
            hold: if request.hold_stock { Hold::Stock } else { Hold::Nothing },
            extras: offer_fields::extras(&request.lines, &request.discounts, &request.promo_code),
            idempotency_key,
        };
        fields.finish()?;
        match call.caller.shops.allow(quoted.wanted.shop_id) {
            true => Ok(quoted),
            false => Err(Error::ShopNotFound),
        }
    }

    /// The order that the quote may become.
    pub(in crate::rpc) fn order(
        wanted: Wanted,
        call: &Call,
        quote_id: QuoteId,
        shop: &Shop,
        source: &Source,
    ) -> Result<NewOrder> {
        let mut new = wanted.into_order(call, shop, source)?;
        new.order.order_id = Quote::order_of(quote_id);
        new.terms.order_id = new.order.order_id.to_string();
        Ok(new)
    }
}

fn destination(fields: &mut Fields, given: &pb::QuoteDestination, may_price: bool) -> Destination {
    let method_id = fields.parse_optional("delivery.delivery_method_id", &given.delivery_method_id);
    let price = order_fields::amount(fields, "delivery.price", given.price.as_ref());
    if given.price.is_some() {
        let allowed = may_price && !given.delivery_method_id.is_empty();
        let why = "the scope orders.price and a delivery_method_id are needed to set it";
        fields.check(allowed, "delivery.price", "PRICE_NOT_ALLOWED", why);
    }
    let address = given.address.as_ref().map(|address| order_fields::address(fields, address));
    Destination { method_id, address, price, given: given.address.clone() }
}
