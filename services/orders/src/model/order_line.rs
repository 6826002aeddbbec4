//! One line of an order: what, how many, for how much, and how far each unit is.

use types::{LineId, Money, OrderId, Sku, VariantId};

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
    /// The price, once there is one.
    pub const fn money(self) -> Option<Money> {
        match self {
            Self::Open => None,
            Self::Quoted(money) | Self::Fixed(money) => Some(money),
        }
    }
}

/// A line. Invariant: reserved + shipped + cancelled ≤ ordered, returned ≤ delivered ≤ shipped.
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
    /// Of the whole line.
    pub total: Money,
    /// Frozen with the price; empty when the catalog gave none.
    pub tax_category: String,
}

impl OrderLine {
    /// The line's id, which follows from the order's.
    pub fn line_id(&self, order_id: OrderId) -> LineId {
        LineId::derived(order_id.uuid(), self.position.unsigned_abs())
    }

    /// Units that are neither on their way nor given up.
    pub fn outstanding(&self) -> i32 {
        self.ordered - self.shipped - self.cancelled
    }

    /// What there is leaves: of goods the units that are held, of services and lines that inventory does not know all of
    /// it. Missing goods stay outstanding.
    pub fn ship(&mut self) {
        self.shipped += match (self.kind, self.variant_id) {
            (LineKind::Goods, Some(_)) => self.reserved,
            (LineKind::Goods, None) | (LineKind::Service, _) => self.outstanding(),
        };
        self.reserved = 0;
    }

    /// Everything that left arrives.
    pub fn deliver_shipped(&mut self) {
        self.delivered = self.shipped;
    }

    /// Everything outstanding is given up.
    pub fn cancel_outstanding(&mut self) {
        self.cancelled += self.outstanding();
        self.reserved = 0;
    }

    /// Takes its share of `held` units of its SKU and answers what is left for later lines.
    pub fn hold(&mut self, held: i64) -> i64 {
        let share = held.clamp(0, i64::from(self.outstanding()));
        self.reserved = i32::try_from(share).unwrap_or(i32::MAX);
        held - share
    }
}
