//! What a caller wants placed, read once.

use chrono::{DateTime, Utc};
use proto::orders::v1 as pb;
use rpc::{Call, Fields, Invalid};
use types::{Currency, Money, OrderId, Quantity, QuoteId, ShopId, Sku, SourceId};

use crate::batches::record_orders::NewOrder;
use crate::error::{Error, Result};
use crate::model::buyer::Buyer;
use crate::model::discount::{Discount, Discounts, Reduction};
use crate::model::order::{Deadlines, Delivery, Order};
use crate::model::order_line::{OrderLine, UnitPrice};
use crate::model::origin::{OrderMethod, PaymentMethod};
use crate::model::placement::TOTAL_MINOR_MAX;
use crate::rpc::order_fields::{
    LINE_NAME_LENGTH_MAX, SCOPE_PRICE, amount, buyer, check_scope, delivery, payment_method,
};
use crate::rpc::{cart_fields, offer_fields};
use crate::sagas::offer_terms::OfferTerms;
use crate::sagas::place_order::Terms;
use crate::upstreams::{Shop, Source};
use crate::wire;

const LINES_MAX: usize = 1000;
const EXTERNAL_ID_LENGTH_MAX: usize = 128;

/// A request that is well formed; its currency is checked once the shop is known.
pub(in crate::rpc) struct Wanted {
    pub(in crate::rpc) shop_id: ShopId,
    pub(in crate::rpc) source_id: SourceId,
    pub(super) method: Option<OrderMethod>,
    pub(super) external_id: String,
    pub(super) buyer: Buyer,
    pub(super) lines: Vec<WantedLine>,
    pub(super) delivery: Option<(Delivery, Option<Money>)>,
    pub(super) payment_method: PaymentMethod,
    pub(super) currency: Option<Currency>,
    pub(super) expected_total: Option<Money>,
    pub(super) ship_by: Option<DateTime<Utc>>,
    pub(super) slot: Option<DateTime<Utc>>,
    pub(super) may_price: bool,
    pub(super) offer: WantedOffer,
    pub(super) key: String,
    pub(super) fingerprint: Vec<u8>,
}

/// What it is to be placed with; empty for most.
#[derive(Default)]
pub(in crate::rpc) struct WantedOffer {
    pub(super) quote_id: Option<QuoteId>,
    pub(super) promo_code: String,
    pub(super) discounts: Discounts,
    pub(super) cart_id: String,
    /// What the quote of the same prices, discounts and code recognises them by; `None` when none are given.
    pub(super) extras: Option<Vec<u8>>,
    /// What the quote recognises the destination by.
    pub(super) destination: Option<Vec<u8>>,
}

pub(in crate::rpc) struct WantedLine {
    sku: Sku,
    quantity: Quantity,
    unit_price: Option<Money>,
    name: String,
}

impl Wanted {
    pub(in crate::rpc) fn parse(call: &Call, mut request: pb::PlaceOrderRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let may_price = call.caller.may(SCOPE_PRICE);
        let shop_id = match request.shop_id.as_str() {
            "" if call.caller.shops.single().is_some() => call.caller.shops.single(),
            text => fields.parse("shop_id", text),
        };
        let source_id = fields.parse("source_id", &request.source_id);
        let key = fields.idempotency_key(&request.idempotency_key);
        let wanted = Self {
            // Two that are required stand in until `finish` has refused their absence.
            shop_id: shop_id.unwrap_or_default(),
            source_id: source_id.unwrap_or_default(),
            method: method(&mut fields, request.method),
            external_id: external_id(&mut fields, &request.external_id),
            buyer: buyer(&mut fields, request.contact.as_ref(), &request.comment, may_price),
            lines: lines(&mut fields, &request.lines, may_price),
            delivery: delivery(&mut fields, request.delivery.as_ref(), may_price),
            payment_method: payment_method(&mut fields, &request.payment_method),
            currency: fields.parse_optional("currency_code", &request.currency_code),
            expected_total: amount(&mut fields, "expected_total", request.expected_total.as_ref()),
            ship_by: fields.time_optional("ship_by_time", request.ship_by_time),
            slot: slot(&mut fields, &request),
            may_price,
            offer: offer(&mut fields, &request, may_price),
            key,
            fingerprint: Vec::new(),
        };
        fields.finish()?;
        if !call.caller.shops.allow(wanted.shop_id) {
            return Err(Error::ShopNotFound);
        }

        // The same content is the same whether or not it names the key's only shop, and whatever the idempotency key.
        request.shop_id = wanted.shop_id.to_string();
        request.idempotency_key.clear();
        Ok(Self { fingerprint: store::fingerprint(&request), ..wanted })
    }

    /// A request of somebody who has not said who he is, as one who only asks for a price.
    pub(super) fn of_nobody() -> Self {
        Self {
            shop_id: ShopId::default(),
            source_id: SourceId::default(),
            method: None,
            external_id: String::new(),
            buyer: Buyer::default(),
            lines: Vec::new(),
            delivery: None,
            payment_method: PaymentMethod::CashOnDelivery,
            currency: None,
            expected_total: None,
            ship_by: None,
            slot: None,
            may_price: false,
            offer: WantedOffer::default(),
            key: String::new(),
            fingerprint: Vec::new(),
        }
    }

    /// The order to record. Everything here is pure.
    pub(in crate::rpc) fn into_order(self, call: &Call, shop: &Shop, source: &Source) -> Result<NewOrder> {
        if source.shop_id != shop.shop_id {
            return Err(Error::SourceNotFound);
        }
        let currency = self.currency.unwrap_or(shop.currency);
        self.check_money(currency)?;

        let order_id = OrderId::new();
        let terms = Terms {
            order_id: order_id.to_string(),
            accept_shortage: shop.accepts_shortage || source.always_accepts,
            accept_unmatched: self.may_price,
            warehouse_ids: shop.warehouse_ids.iter().map(ToString::to_string).collect(),
            expected_total_minor: self.expected_total.map(Money::minor),
            delivery_price_minor: self.delivery.as_ref().and_then(|(_, price)| price.map(Money::minor)),
            country_code: shop.country_code.clone(),
            delivers: self.delivery.is_some(),
            one_warehouse: !shop.split_allowed,
            offer: self.offer.terms(),
            delivery_slot_seconds: self.slot.map(|slot| slot.timestamp()),
        };
        let external_ids =
            Some((source.source_id, self.external_id.clone())).filter(|(_, id)| !id.is_empty());
        let default_method =
            if source.channel == "marketplace" { OrderMethod::Marketplace } else { OrderMethod::Cart };
        let lines =
            self.lines.into_iter().zip(0..).map(|(line, position)| line.at(position, currency)).collect();
        let order = Order {
            legal_entity_id: shop.legal_entity_id,
            channel: source.channel.to_owned(),
            method: self.method.unwrap_or(default_method),
            external_ids: external_ids.into_iter().collect(),
            buyer: self.buyer,
            delivery: self.delivery.map(|(delivery, _)| delivery),
            deadlines: Deadlines { pay_by: None, ship_by: self.ship_by },
            ..Order::wanted(order_id, shop.shop_id, source.source_id, self.payment_method, currency, lines)
        };
        Ok(NewOrder {
            pay_by_minutes: shop.pay_by_minutes.filter(|_| order.payment_method == PaymentMethod::Card),
            order,
            number_prefix: shop.number_prefix.clone(),
            external_id: self.external_id,
            terms,
            key: self.key,
            fingerprint: self.fingerprint,
            call: call.clone(),
        })
    }

    /// Every sum is in the order's currency, and together they stay countable.
    fn check_money(&self, currency: Currency) -> Result<(), Invalid> {
        let mut fields = Fields::new();
        let mut check = |field: String, money: Option<Money>| {
            if money.is_some_and(|money| money.currency() != currency) {
                fields.refuse(field, "CURRENCY_MISMATCH", format!("the order is in {currency}"));
            }
        };
        check("expected_total".to_owned(), self.expected_total);
        check("delivery.price".to_owned(), self.delivery.as_ref().and_then(|(_, price)| *price));
        for (at, line) in self.lines.iter().enumerate() {
            check(format!("lines[{at}].unit_price"), line.unit_price);
        }
        let amount = |discount: &Discount| match discount.reduction {
            Reduction::Amount(amount) => Some(amount),
            Reduction::Percent(_) => None,
        };
        for (position, discount) in &self.offer.discounts.of_lines {
            check(format!("lines[{position}].discount.amount"), amount(discount));
        }
        for (at, discount) in self.offer.discounts.of_goods.iter().enumerate() {
            check(format!("discounts[{at}].amount"), amount(discount));
        }
        let sum: i128 = self.lines.iter().map(WantedLine::fixed_total).sum();
        fields.check(sum <= i128::from(TOTAL_MINOR_MAX), "lines", "OUT_OF_RANGE", "the total is too large");
        fields.finish()
    }
}

impl WantedOffer {
    fn terms(&self) -> Option<OfferTerms> {
        let mut terms = OfferTerms {
            quote_id: self.quote_id.map(String::from).unwrap_or_default(),
            promo_code: self.promo_code.clone(),
            cart_id: self.cart_id.clone(),
            ..OfferTerms::default()
        };
        terms.set_discounts(&self.discounts);
        Some(terms).filter(|terms| *terms != OfferTerms::default())
    }
}

impl WantedLine {
    fn at(self, position: i32, currency: Currency) -> OrderLine {
        let unit_price = self.unit_price.map_or(UnitPrice::Open, UnitPrice::Fixed);
        let ordered = self.quantity.get();
        OrderLine { name: self.name, ..OrderLine::wanted(position, self.sku, ordered, unit_price, currency) }
    }

    fn fixed_total(&self) -> i128 {
        let unit = self.unit_price.map_or(0, Money::minor);
        i128::from(unit) * i128::from(self.quantity.get())
    }
}

fn method(fields: &mut Fields, number: i32) -> Option<OrderMethod> {
    match pb::OrderMethod::try_from(number) {
        Ok(method) => wire::read_method(method),
        Err(_) => {
            fields.refuse("method", "UNKNOWN", "not a method of an order");
            None
        }
    }
}

fn external_id(fields: &mut Fields, text: &str) -> String {
    let one_line = !text.contains(['\n', '\r', '\t']);
    fields.check(one_line, "external_id", "CONTROL_CHARACTER", "control characters are not allowed");
    fields.text("external_id", text, EXTERNAL_ID_LENGTH_MAX)
}

fn offer(fields: &mut Fields, request: &pb::PlaceOrderRequest, may_price: bool) -> WantedOffer {
    let quote_id = fields.parse_optional("quote_id", &request.quote_id);
    let (lines, discounts, promo_code) = (&request.lines, &request.discounts, &request.promo_code);
    let given = quote_id.is_some() && offer_fields::has_extras(lines, discounts, promo_code);
    let address = request.delivery.as_ref().map(|delivery| delivery.address.as_ref());
    WantedOffer {
        quote_id,
        promo_code: offer_fields::typed_code(fields, "promo_code", promo_code),
        discounts: offer_fields::discounts(fields, lines, discounts, may_price),
        cart_id: cart_fields::cart_id_optional(fields, &request.cart_id),
        extras: given.then(|| offer_fields::extras(lines, discounts, promo_code)),
        destination: quote_id.zip(address).map(|(quote, address)| offer_fields::destination(quote, address)),
    }
}

pub(in crate::rpc) fn lines(fields: &mut Fields, lines: &[pb::NewLine], may_price: bool) -> Vec<WantedLine> {
    fields.list_length("lines", lines.len(), LINES_MAX);
    let read = lines.iter().take(LINES_MAX).enumerate().filter_map(|(at, line)| {
        let path = |name: &str| format!("lines[{at}].{name}");
        let sku = fields.parse(&path("sku"), &line.sku);
        let quantity = fields.convert(&path("quantity"), line.quantity);
        let unit_price = amount(fields, &path("unit_price"), line.unit_price.as_ref());
        let name = fields.text(&path("name"), &line.name, LINE_NAME_LENGTH_MAX);
        if line.unit_price.is_some() {
            check_scope(fields, &path("unit_price"), may_price);
        }
        if !name.is_empty() {
            check_scope(fields, &path("name"), may_price);
        }
        Some(WantedLine { sku: sku?, quantity: quantity?, unit_price, name })
    });
    read.collect()
}

/// When the buyer wants it handed over.
fn slot(fields: &mut Fields, request: &pb::PlaceOrderRequest) -> Option<DateTime<Utc>> {
    let slot = fields.time_optional("delivery_slot_start_time", request.delivery_slot_start_time);
    let fits = slot.is_none() || request.delivery.is_some();
    fields.check(
        fits,
        "delivery_slot_start_time",
        "NOT_ALLOWED",
        "a slot is one of a delivery method: name it",
    );
    slot
}
