//! A quote: what a cart costs, delivery included, until a certain time.

use chrono::{DateTime, Utc};
use types::{
    Currency, DeliveryMethodId, Money, OrderId, PromoCodeId, QuoteId, ReservationId, ShopId, SourceId,
};

use crate::model::order::Order;
use crate::model::order_line::OrderLine;
use crate::model::origin::PaymentMethod;
use crate::model::placement::Priced;

/// How long a quote holds when its shop does not say.
pub const QUOTE_MINUTES_DEFAULT: i64 = 30;

/// Where a quote stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuoteState {
    /// Its stock is being held; nobody knows it yet.
    Reserving,
    /// May be placed until it expires.
    Open,
    /// An order has it.
    Placed,
    /// Its time ran out; what it holds is being given back.
    Releasing,
    /// Its time ran out; it holds nothing.
    Expired,
}

/// Frozen prices. The order that it becomes is chosen with it: what is held is held for that order from the start, and
/// no unit changes hands when it is placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Its id.
    pub quote_id: QuoteId,
    /// Whose it is.
    pub shop_id: ShopId,
    /// The account that the order will come through.
    pub source_id: SourceId,
    /// The account's kind.
    pub channel: String,
    /// Where it stands.
    pub state: QuoteState,
    /// Of every price.
    pub currency: Currency,
    /// How the buyer will pay.
    pub payment_method: PaymentMethod,
    /// Priced, with adjustments.
    pub lines: Vec<OrderLine>,
    /// Σ line totals.
    pub goods_total: Money,
    /// Of all lines.
    pub weight_grams: i32,
    /// Ways to deliver with their prices; empty when nothing is delivered.
    pub choices: Vec<Choice>,
    /// The way that was asked for.
    pub delivery_method_id: Option<DeliveryMethodId>,
    /// What the destination is recognised by; `None` when nothing is delivered.
    pub destination: Option<Vec<u8>>,
    /// What prices, discounts and promo code of the request are recognised by.
    pub extras: Vec<u8>,
    /// The code that it takes off.
    pub promo_code_id: Option<PromoCodeId>,
    /// As the shop spells it.
    pub promo_code: String,
    /// Whether its units are held.
    pub holds_stock: bool,
    /// Under which the quote was asked for.
    pub idempotency_key: String,
    /// Until then.
    pub expire_time: DateTime<Utc>,
    /// When it was made.
    pub create_time: DateTime<Utc>,
}

/// A way to deliver with its frozen price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Which.
    pub method_id: DeliveryMethodId,
    /// As it is called.
    pub name: String,
    /// What it costs.
    pub price: Money,
    /// At least so many days.
    pub days_min: i32,
    /// At most so many days.
    pub days_max: i32,
}

/// Why an order is not the quote's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mismatch {
    /// The first thing that differs, as the request names it.
    pub field: &'static str,
}

impl Quote {
    /// The order that a quote becomes.
    pub fn order_of(quote_id: QuoteId) -> OrderId {
        OrderId::derived(quote_id.uuid(), 0)
    }

    /// The order that it becomes, or has become.
    pub fn order_id(&self) -> OrderId {
        Self::order_of(self.quote_id)
    }

    /// What holds its units.
    pub fn reservation_id(&self) -> Option<ReservationId> {
        self.holds_stock.then(|| ReservationId::derived(self.order_id().uuid(), 0))
    }

    /// Where it stands for everybody else at `now`.
    pub fn seen(&self, now: DateTime<Utc>) -> QuoteState {
        match self.state {
            QuoteState::Open if self.expire_time <= now => QuoteState::Expired,
            QuoteState::Releasing => QuoteState::Expired,
            state => state,
        }
    }

    /// The way that was asked for.
    pub fn chosen(&self) -> Option<&Choice> {
        self.delivery_method_id.and_then(|method_id| self.choice(method_id))
    }

    /// One of the ways.
    pub fn choice(&self, method_id: DeliveryMethodId) -> Option<&Choice> {
        self.choices.iter().find(|choice| choice.method_id == method_id)
    }

    /// What it costs with the way that was asked for, or the goods alone while the buyer has the choice.
    pub fn total(&self) -> Money {
        self.chosen().map_or(self.goods_total, |choice| self.total_with(choice))
    }

    /// What it costs with one of the ways; checked when the quote was made.
    pub fn total_with(&self, choice: &Choice) -> Money {
        Money::new(self.currency, self.goods_total.minor() + choice.price.minor())
    }

    /// Whether `order` is what was quoted; the prices are not asked here, nor what the address adds for the courier.
    pub fn agrees_with(&self, order: &Order) -> Result<(), Mismatch> {
        let same_lines = self.lines.len() == order.lines.len()
            && self
                .lines
                .iter()
                .zip(&order.lines)
                .all(|(mine, other)| mine.sku == other.sku && mine.ordered == other.ordered);
        let choice = order.delivery.as_ref().map(|delivery| delivery.method_id);
        let same_choice = match (choice, self.delivery_method_id) {
            (Some(choice), Some(asked)) => choice == asked,
            (Some(choice), None) => self.choice(choice).is_some(),
            (None, asked) => asked.is_none() && self.choices.is_empty(),
        };
        let checks = [
            ("source_id", self.source_id == order.source_id),
            ("currency_code", self.currency == order.currency),
            ("payment_method", self.payment_method == order.payment_method),
            ("lines", same_lines),
            ("delivery.delivery_method_id", same_choice),
        ];
        match checks.into_iter().find(|(_, same)| !same) {
            Some((field, _)) => Err(Mismatch { field }),
            None => Ok(()),
        }
    }

    /// Its frozen prices, as the saga of its order needs them.
    pub fn priced(&self) -> Priced {
        Priced { lines: self.lines.clone(), goods_total: self.goods_total, weight_grams: self.weight_grams }
    }
}

impl QuoteState {
    /// The name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reserving => "reserving",
            Self::Open => "open",
            Self::Placed => "placed",
            Self::Releasing => "releasing",
            Self::Expired => "expired",
        }
    }
}

impl std::str::FromStr for QuoteState {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [Self::Reserving, Self::Open, Self::Placed, Self::Releasing, Self::Expired];
        all.into_iter().find(|state| state.name() == name).ok_or_else(|| format!("the quote state {name}"))
    }
}
