//! Units held for one owner, from the first promise to the parcel.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rpc::Shops;
use types::{ReservationId, Sku, WarehouseId};

use crate::error::{Error, Result};
use crate::model::{
    Allocation, Cause, Condition, Delta, Ending, Holder, Kind, Lack, Occasion, OnShortage, Outcome, Shortage,
    ShortageChange, ShortageState, State, Stock, Terms, Wanted,
};

/// Units of one SKU in one warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What.
    pub sku: Sku,
    /// Where.
    pub warehouse_id: WarehouseId,
    /// How many; at least one.
    pub quantity: i64,
}

/// Units that left with a shipment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipped {
    /// The shipment.
    pub reference: String,
    /// What left, and from where.
    pub line: Line,
}

/// Units held for one owner. For every SKU, what is held and what is short are together what is still wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Its id.
    pub id: ReservationId,
    /// For whom; `None` only for a tombstone, an id that was released before it was reserved.
    pub holder: Option<Holder>,
    /// Where it stands.
    pub state: State,
    /// Where its units may come from.
    pub terms: Terms,
    /// The owner's last change that was applied; 0 as it was reserved.
    pub revision: i32,
    /// What is, or when it was given back, was held; by SKU.
    pub lines: Vec<Line>,
    /// What has left.
    pub shipments: Vec<Shipped>,
    /// What is missing, and what no longer is since it was loaded; see [`Reservation::open_shortages`].
    pub shortages: Vec<Shortage>,
    /// When it ends by itself.
    pub expire_time: Option<DateTime<Utc>>,
    /// When it was made.
    pub create_time: DateTime<Utc>,
    /// Who asked for it.
    pub author: String,
    /// 1, 2, 3 …
    pub version: i64,
}

impl Reservation {
    /// Holds all that is wanted, or what there is of it when shortages are accepted, or nothing.
    pub fn hold(
        wanted: &Wanted,
        stock: &mut Stock,
        warehouses: &[WarehouseId],
        occasion: &Occasion,
    ) -> Result<Self> {
        let available = |sku: &Sku, warehouse_id| stock.available(sku, warehouse_id);
        let Allocation { mut lines, lacks } =
            Allocation::of(&wanted.units, &available, warehouses, wanted.terms.split);
        if !lacks.is_empty() && wanted.on_shortage == OnShortage::Refuse {
            return Err(Error::OutOfStock { lacks });
        }
        let cause = Arc::new(wanted.holder.cause(Kind::Reserve, "", occasion.actor.clone()));
        for line in &lines {
            stock.hold(line, line.quantity, &cause)?;
        }
        lines.sort_by(|one, other| one.place().cmp(&other.place()));
        let missed = |lack: Lack| {
            let missing = lack.missing();
            Shortage::open(lack.sku, missing, occasion)
        };
        Ok(Self {
            id: wanted.reservation_id,
            holder: Some(wanted.holder.clone()),
            state: State::Held,
            terms: wanted.terms.clone(),
            revision: 0,
            lines,
            shipments: Vec::new(),
            shortages: lacks.into_iter().map(missed).collect(),
            expire_time: wanted.expire_time,
            create_time: occasion.now,
            author: occasion.actor.clone(),
            version: 1,
        })
    }

    /// Remembers that `id` was released, so that a late reserve is refused.
    pub fn tombstone(id: ReservationId, now: DateTime<Utc>) -> Self {
        Self {
            id,
            holder: None,
            state: State::Released,
            terms: Terms::ANY,
            revision: 0,
            lines: Vec::new(),
            shipments: Vec::new(),
            shortages: Vec::new(),
            expire_time: None,
            create_time: now,
            author: String::new(),
            version: 1,
        }
    }

    /// What somebody is told who wants the same reservation again.
    pub fn again(&self, wanted: &Wanted) -> Result<Self> {
        match self.state {
            State::Released | State::Expired => Err(Error::ReservationReleased { id: self.id }),
            State::Held | State::Shipped if self.is_for(wanted) => Ok(self.clone()),
            State::Held | State::Shipped => Err(Error::ReservationMismatch { id: self.id }),
        }
    }

    /// Gives its units back and wants nothing any more; what has left stays away.
    pub fn give_back(
        &mut self,
        ending: Ending,
        note: &str,
        stock: &mut Stock,
        occasion: &Occasion,
    ) -> Result<Outcome> {
        let Some(state) = self.state.after(ending, self.id)? else { return Ok(Outcome::Unchanged) };
        if let Some(holder) = &self.holder {
            let cause = Arc::new(holder.cause(Kind::Release, note, occasion.actor.clone()));
            for line in &self.lines {
                stock.hold(line, -line.quantity, &cause)?;
            }
        }
        for shortage in self.shortages.iter_mut().filter(|shortage| shortage.is_open()) {
            shortage.set_missing(0, ShortageState::Closed, occasion.now);
        }
        self.state = state;
        self.version += 1;
        Ok(Outcome::Ended)
    }

    /// Gives up units in `warehouse_id` as far as `deficits` lack them; answers what was lost.
    pub fn lose(
        &mut self,
        warehouse_id: WarehouseId,
        deficits: &mut BTreeMap<Sku, i64>,
        occasion: &Occasion,
    ) -> Vec<Line> {
        let mut lost = Vec::new();
        for line in self.lines.iter_mut().filter(|line| line.warehouse_id == warehouse_id) {
            let Some(deficit) = deficits.get_mut(&line.sku) else { continue };
            let quantity = line.quantity.min(*deficit);
            if quantity > 0 {
                line.quantity -= quantity;
                *deficit -= quantity;
                lost.push(Line { quantity, ..line.clone() });
            }
        }
        for line in &lost {
            self.miss(&line.sku, line.quantity, occasion);
        }
        if !lost.is_empty() {
            self.lines.retain(|line| line.quantity > 0);
            self.version += 1;
        }
        lost
    }

    /// Holds up to `max` missing units of a SKU from `warehouses`, in their order; answers how many.
    pub fn cover(
        &mut self,
        sku: &Sku,
        max: i64,
        warehouses: &[WarehouseId],
        stock: &mut Stock,
        occasion: &Occasion,
    ) -> Result<i64> {
        let Some(holder) = &self.holder else { return Ok(0) };
        let cause = Arc::new(holder.cause(Kind::Reserve, "", occasion.actor.clone()));
        let mut wanted = self.missing(sku).min(max);
        let before = wanted;
        for &warehouse_id in warehouses {
            let quantity = wanted.min(stock.available(sku, warehouse_id));
            if quantity > 0 {
                let line = Line { sku: sku.clone(), warehouse_id, quantity };
                stock.hold(&line, quantity, &cause)?;
                self.add(line);
                wanted -= quantity;
            }
        }
        let found = before - wanted;
        if found > 0 {
            for shortage in self.shortages.iter_mut().filter(|one| one.is_open() && one.sku == *sku) {
                shortage.set_missing(shortage.missing - found, ShortageState::Covered, occasion.now);
            }
            self.version += 1;
        }
        Ok(found)
    }

    /// What is missing.
    pub fn open_shortages(&self) -> impl Iterator<Item = &Shortage> {
        self.shortages.iter().filter(|shortage| shortage.is_open())
    }

    /// Units of a SKU that are missing.
    pub fn missing(&self, sku: &Sku) -> i64 {
        self.open_shortages().filter(|shortage| shortage.sku == *sku).map(|shortage| shortage.missing).sum()
    }

    /// Units of a SKU that are held.
    pub fn held(&self, sku: &Sku) -> i64 {
        self.lines.iter().filter(|line| line.sku == *sku).map(|line| line.quantity).sum()
    }

    /// What is still wanted, held or not, by SKU.
    pub fn wanted(&self) -> BTreeMap<Sku, i64> {
        let held = self.lines.iter().map(|line| (&line.sku, line.quantity));
        summed(held.chain(self.open_shortages().map(|shortage| (&shortage.sku, shortage.missing))))
    }

    /// What has left, by SKU and warehouse.
    pub fn shipped_lines(&self) -> Vec<Line> {
        let mut lines: BTreeMap<(&Sku, WarehouseId), i64> = BTreeMap::new();
        for Shipped { line, .. } in &self.shipments {
            *lines.entry((&line.sku, line.warehouse_id)).or_insert(0) += line.quantity;
        }
        let line = |((sku, warehouse_id), quantity): ((&Sku, _), _)| Line {
            sku: sku.clone(),
            warehouse_id,
            quantity,
        };
        lines.into_iter().map(line).collect()
    }

    /// What became of its shortages since they were last told of. Those of which nobody heard are forgotten.
    pub fn shortage_changes(&mut self) -> Vec<ShortageChange> {
        let changes = self.shortages.iter_mut().filter_map(Shortage::turn).collect();
        self.shortages.retain(|shortage| shortage.is_open() || !shortage.is_unknown());
        changes
    }

    /// It is done when nothing is held or missing any more and something has left.
    pub(super) fn settle(&mut self) {
        let is_done = self.lines.is_empty() && self.open_shortages().next().is_none();
        if self.state == State::Held && is_done && !self.shipments.is_empty() {
            self.state = State::Shipped;
        }
    }

    /// Misses units that it wants.
    pub(super) fn miss(&mut self, sku: &Sku, units: i64, occasion: &Occasion) {
        match self.shortages.iter_mut().find(|shortage| shortage.is_open() && shortage.sku == *sku) {
            Some(shortage) => shortage.missing += units,
            None => self.shortages.push(Shortage::open(sku.clone(), units, occasion)),
        }
    }

    /// Adds held units to its lines, which stay in order.
    fn add(&mut self, new: Line) {
        match self.lines.binary_search_by(|line| line.place().cmp(&new.place())) {
            Ok(at) => self.lines[at].quantity += new.quantity,
            Err(at) => self.lines.insert(at, new),
        }
    }

    /// Whether it is the hold of a cart.
    pub fn is_hold(&self) -> bool {
        self.expire_time.is_some()
    }

    /// Whether somebody who sees `shops` sees it.
    pub fn is_visible_to(&self, shops: &Shops) -> bool {
        match &self.holder {
            Some(holder) => shops.allow(holder.shop_id),
            None => *shops == Shops::All,
        }
    }

    /// Whether `wanted` is what it was made for. What its owner changed later is not compared.
    fn is_for(&self, wanted: &Wanted) -> bool {
        let is_same_goods = || {
            let now = self.wanted();
            let left = self.shipments.iter().map(|shipped| (&shipped.line.sku, shipped.line.quantity));
            summed(now.iter().map(|(sku, units)| (sku, *units)).chain(left)) == wanted.units
        };
        self.holder.as_ref() == Some(&wanted.holder) && (self.revision > 0 || is_same_goods())
    }
}

impl Line {
    /// What and where.
    pub fn place(&self) -> (&Sku, WarehouseId) {
        (&self.sku, self.warehouse_id)
    }
}

impl Holder {
    /// What ledger rows of this holder's units say.
    pub fn cause(&self, kind: Kind, note: &str, actor: String) -> Cause {
        let reference = self.owner.to_string();
        Cause {
            kind,
            reference,
            note: note.to_owned(),
            actor,
            shop_id: Some(self.shop_id),
            document_id: None,
        }
    }
}

impl Stock {
    /// Holds so many units of a line's SKU in its warehouse, or gives them back when negative.
    pub(super) fn hold(&mut self, line: &Line, units: i64, cause: &Arc<Cause>) -> Result<()> {
        self.post(&line.sku, line.warehouse_id, Condition::Sellable, Delta::reserved(units), cause)
    }
}

fn summed<'a>(units: impl Iterator<Item = (&'a Sku, i64)>) -> BTreeMap<Sku, i64> {
    let mut sums = BTreeMap::new();
    for (sku, units) in units {
        *sums.entry(sku.clone()).or_insert(0) += units;
    }
    sums
}
