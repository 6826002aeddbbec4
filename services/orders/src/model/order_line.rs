//! One line of an order: what, how many, for how much, and how far each unit is.

use std::collections::HashMap;

use types::{Currency, LineId, Money, MoneyError, OrderId, Sku, VariantId};

use crate::model::adjustment::Adjustment;

/// Whether units are kept in stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// Kept in stock and reserved.
    Goods,
    /// Gift wrap, assembly: never reserved.
    Service,
}

impl LineKind {
    /// The name on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Goods => "goods",
            Self::Service => "service",
        }
    }
}

/// What one unit costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitPrice {
    /// The catalog will say.
    Open,
    /// The catalog has said.
    Quoted(Money),
    /// It was sold at this price already.
    Fixed(Money),
}

impl UnitPrice {
    /// A stored price: minor units, and whether the caller fixed it.
    pub fn stored(minor: Option<i64>, fixed: bool, currency: Currency) -> Self {
        match (minor.map(|minor| Money::new(currency, minor)), fixed) {
            (None, _) => Self::Open,
            (Some(price), true) => Self::Fixed(price),
            (Some(price), false) => Self::Quoted(price),
        }
    }

    /// The price, once there is one.
    pub const fn money(self) -> Option<Money> {
        match self {
            Self::Open => None,
            Self::Quoted(money) | Self::Fixed(money) => Some(money),
        }
    }
}

/// Goods in a kit, as it was sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineComponent {
    /// What is kept in stock.
    pub sku: Sku,
    /// Per one kit.
    pub quantity: i32,
    /// As sold.
    pub name: String,
    /// Of one unit.
    pub weight_grams: i32,
}

/// A line. Invariant: reserved + shipped + cancelled ≤ ordered, delivered ≤ shipped, returned ≤ shipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLine {
    /// 0, 1, 2 … within the order.
    pub position: i32,
    /// What was asked for.
    pub sku: Sku,
    /// `None` while the line is not priced, and when the catalog does not know the SKU.
    pub variant_id: Option<VariantId>,
    /// As sold.
    pub name: String,
    /// Whether it is kept in stock.
    pub kind: LineKind,
    /// Units asked for.
    pub ordered: i32,
    /// Units that inventory holds.
    pub reserved: i32,
    /// Units that left.
    pub shipped: i32,
    /// Units that arrived.
    pub delivered: i32,
    /// Units that were given up.
    pub cancelled: i32,
    /// Units that came back.
    pub returned: i32,
    /// The price of `price_quantity` units.
    pub unit_price: UnitPrice,
    /// 1 for pieces, 1000 for grams priced by the kilogram.
    pub price_quantity: i32,
    /// Of the whole line, after adjustments.
    pub total: Money,
    /// Why the total is not price × quantity.
    pub adjustments: Vec<Adjustment>,
    /// Frozen with the price; empty when the catalog gave none.
    pub tax_category: String,
    /// What one kit is made of, frozen with the price; empty for anything but a kit.
    pub components: Vec<LineComponent>,
    /// Of one unit, frozen with the price.
    pub weight_grams: i32,
}

impl OrderLine {
    /// What somebody wants, before anything is known of it.
    pub fn wanted(position: i32, sku: Sku, ordered: i32, unit_price: UnitPrice, currency: Currency) -> Self {
        Self {
            position,
            sku,
            variant_id: None,
            name: String::new(),
            kind: LineKind::Goods,
            ordered,
            reserved: 0,
            shipped: 0,
            delivered: 0,
            cancelled: 0,
            returned: 0,
            unit_price,
            price_quantity: 1,
            total: Money::zero(currency),
            adjustments: Vec::new(),
            tax_category: String::new(),
            components: Vec::new(),
            weight_grams: 0,
        }
    }

    /// The line's id, which follows from the order's.
    pub fn line_id(&self, order_id: OrderId) -> LineId {
        LineId::derived(order_id.uuid(), self.position.unsigned_abs())
    }

    /// Whether inventory keeps its units.
    pub fn is_stocked(&self) -> bool {
        self.kind == LineKind::Goods && self.variant_id.is_some()
    }

    /// What `quantity` units are in stock: themselves, or the components of kits.
    pub fn stock(&self, quantity: i32) -> Vec<(&Sku, i64)> {
        let quantity = i64::from(quantity);
        match self.components.as_slice() {
            [] => vec![(&self.sku, quantity)],
            parts => parts.iter().map(|part| (&part.sku, quantity * i64::from(part.quantity))).collect(),
        }
    }

    /// What `quantity` units cost of the line's total; all of them together cost exactly the total.
    pub fn value(&self, quantity: i32) -> Result<Money, MoneyError> {
        self.total.scaled(i64::from(quantity), i64::from(self.ordered))
    }

    /// Units that are neither on their way nor given up.
    pub fn outstanding(&self) -> i32 {
        self.ordered - self.shipped - self.cancelled
    }

    /// Of `wanted` units those that can leave: of goods what is held, of services and lines that inventory does not know
    /// all. Missing goods stay outstanding.
    pub fn ship(&mut self, wanted: i32) -> i32 {
        let there = if self.is_stocked() { self.reserved } else { self.outstanding() };
        let leaving = wanted.clamp(0, there);
        self.shipped += leaving;
        self.reserved = (self.reserved - leaving).max(0);
        leaving
    }

    /// Everything outstanding is given up.
    pub fn cancel_outstanding(&mut self) {
        self.cancelled += self.outstanding();
        self.reserved = 0;
    }

    /// Takes its share of the `held` units of its SKU, or of its components: a kit counts when all of it is there.
    pub fn hold(&mut self, held: &mut HashMap<String, i64>) {
        let of = |sku: &Sku| held.get(sku.as_str()).copied().unwrap_or_default();
        let whole = self.stock(1).into_iter().map(|(sku, each)| of(sku) / each.max(1)).min();
        let share = whole.unwrap_or_default().clamp(0, i64::from(self.outstanding()));
        self.reserved = i32::try_from(share).unwrap_or(i32::MAX);
        for (sku, units) in self.stock(self.reserved) {
            if let Some(left) = held.get_mut(sku.as_str()) {
                *left -= units;
            }
        }
    }
}
