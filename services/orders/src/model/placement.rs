//! What the other services answer while an order is placed, and what follows for its prices.

use std::collections::HashMap;

use types::{Money, MoneyError, VariantId};

use crate::model::missing_item::MissingItem;
use crate::model::order::Order;
use crate::model::order_line::{LineComponent, LineKind, OrderLine, UnitPrice};

/// The dearest order, in minor units: sums of orders stay far from the end of 64 bits.
pub const TOTAL_MINOR_MAX: i64 = 1_000_000_000_000_000;

/// SKUs that a sentence names.
const SKUS_NAMED_MAX: usize = 5;

/// What the catalog knows of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The variant of the SKU.
    pub variant_id: Option<VariantId>,
    /// Its name.
    pub name: String,
    /// Whether it is kept in stock.
    pub kind: LineKind,
    /// Absent when it has no price in the order's currency and channel.
    pub price: Option<QuotedPrice>,
    /// How many units a price speaks of.
    pub price_quantity: i32,
    /// Of one unit.
    pub weight_grams: i32,
    /// As the catalog classifies it.
    pub tax_category: String,
    /// What a kit is made of; empty for anything else.
    pub components: Vec<LineComponent>,
}

/// The catalog's price of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotedPrice {
    /// Of `price_quantity` units.
    pub unit: Money,
    /// Of the line.
    pub total: Money,
}

/// What may become of lines whose SKU the catalog does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmatched {
    /// They are sold as the source named and priced them.
    Accepted,
    /// The order is rejected.
    Refused,
}

/// The prices of an order's lines, one for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced {
    /// In the order of the order's lines.
    pub lines: Vec<OrderLine>,
    /// Σ line totals.
    pub goods_total: Money,
    /// Of all lines, capped.
    pub weight_grams: i32,
}

/// Why an order cannot be sold at these prices.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceRefusal {
    /// SKUs that the catalog does not know.
    #[error("the catalog does not know {}", skus(.0))]
    UnknownSku(Vec<(i32, String)>),
    /// SKUs without a price.
    #[error("there is no price for {}", skus(.0))]
    NoPrice(Vec<(i32, String)>),
    /// The buyer saw another total.
    #[error("the total is {actual}, not {expected}")]
    PriceChanged {
        /// What the buyer saw.
        expected: Money,
        /// What it costs.
        actual: Money,
    },
    /// Prices in another currency, or beyond what an order may cost.
    #[error("the total cannot be computed: {0}")]
    Sum(#[from] MoneyError),
}

/// Units that inventory holds for an order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// Units by SKU.
    pub units: HashMap<String, i64>,
    /// What could not be held.
    pub shortages: Vec<MissingItem>,
    /// Of the reservation: what has a lower one is older.
    pub version: i64,
}

/// The delivery that was planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// What it costs.
    pub price: Money,
    /// As the method is called.
    pub method_name: String,
}

impl Priced {
    /// Prices the lines of `order`. `quotes` answer them one for one; `None` for an unknown SKU.
    pub fn of(order: &Order, quotes: Vec<Option<Quote>>, unmatched: Unmatched) -> Result<Self, PriceRefusal> {
        let unknown = order.lines.iter().zip(&quotes).filter(|(_, quote)| quote.is_none());
        let unknown: Vec<_> = unknown.map(|(line, _)| named(line)).collect();
        if unmatched == Unmatched::Refused && !unknown.is_empty() {
            return Err(PriceRefusal::UnknownSku(unknown));
        }
        let unpriced = order.lines.iter().zip(&quotes).filter(|(line, quote)| {
            line.unit_price == UnitPrice::Open && quote.as_ref().is_none_or(|quote| quote.price.is_none())
        });
        let unpriced: Vec<_> = unpriced.map(|(line, _)| named(line)).collect();
        if !unpriced.is_empty() {
            return Err(PriceRefusal::NoPrice(unpriced));
        }

        let weight = order.lines.iter().zip(&quotes).map(|(line, quote)| {
            i64::from(line.ordered) * i64::from(quote.as_ref().map_or(0, |quote| quote.weight_grams.max(0)))
        });
        let weight_grams = i32::try_from(weight.sum::<i64>()).unwrap_or(i32::MAX);
        let lines: Vec<_> = order
            .lines
            .iter()
            .zip(quotes)
            .map(|(line, quote)| price(line, quote))
            .collect::<Result<_, _>>()?;
        let goods_total = Money::sum(order.currency, lines.iter().map(|line| line.total))?;
        if goods_total.minor() > TOTAL_MINOR_MAX {
            return Err(MoneyError::TooLarge.into());
        }
        Ok(Self { lines, goods_total, weight_grams })
    }

    /// Units to hold: goods that the catalog knows.
    pub fn stock_lines(&self) -> impl Iterator<Item = &OrderLine> {
        self.lines.iter().filter(|line| line.is_stocked())
    }
}

/// Refuses another total than the buyer saw.
pub fn agree(expected: Option<Money>, actual: Money) -> Result<(), PriceRefusal> {
    match expected {
        Some(expected) if expected != actual => Err(PriceRefusal::PriceChanged { expected, actual }),
        _ => Ok(()),
    }
}

fn price(line: &OrderLine, quote: Option<Quote>) -> Result<OrderLine, MoneyError> {
    let mut priced = line.clone();
    let quoted = quote.as_ref().and_then(|quote| quote.price);
    if let Some(quote) = quote {
        priced.variant_id = quote.variant_id;
        priced.name = quote.name;
        priced.kind = quote.kind;
        priced.price_quantity = quote.price_quantity.max(1);
        priced.tax_category = quote.tax_category;
        priced.weight_grams = quote.weight_grams.max(0);
        priced.components = quote.components;
    }
    match (line.unit_price, quoted) {
        (UnitPrice::Fixed(unit), _) => {
            priced.total = unit.scaled(i64::from(line.ordered), i64::from(priced.price_quantity))?;
        }
        (UnitPrice::Open | UnitPrice::Quoted(_), Some(quoted)) => {
            priced.unit_price = UnitPrice::Quoted(quoted.unit);
            priced.total = quoted.total;
        }
        // Refused before: an open price without a quote.
        (UnitPrice::Open | UnitPrice::Quoted(_), None) => {}
    }
    Ok(priced)
}

fn named(line: &OrderLine) -> (i32, String) {
    (line.position, line.sku.to_string())
}

/// The first few: the rest would only make the sentence longer.
fn skus(lines: &[(i32, String)]) -> String {
    let mut named =
        lines.iter().take(SKUS_NAMED_MAX).map(|(_, sku)| sku.as_str()).collect::<Vec<_>>().join(", ");
    if lines.len() > SKUS_NAMED_MAX {
        named.push_str(", and more");
    }
    named
}
