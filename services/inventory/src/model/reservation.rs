//! Units held for one owner, from the first promise to the parcel.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rpc::Shops;
use types::{ReservationId, Sku, WarehouseId};

use crate::error::{Error, Result};
use crate::model::{
    Allocation, Cause, Delta, Ending, Holder, Kind, OnShortage, Outcome, State, Stock, Wanted,
};

/// Units of one SKU held in one warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What.
    pub sku: Sku,
    /// Where.
    pub warehouse_id: WarehouseId,
    /// How many; at least one.
    pub quantity: i64,
}

/// Units of one SKU that were wanted and are not held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// What.
    pub sku: Sku,
    /// How many were wanted in all.
    pub wanted: i64,
    /// How many of them there were.
    pub available: i64,
}

/// Units held for one owner. For every SKU, what is held and what is short are together what was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Its id.
    pub id: ReservationId,
    /// For whom; `None` only for a tombstone, an id that was released before it was reserved.
    pub holder: Option<Holder>,
    /// Where it stands.
    pub state: State,
    /// What is, or at the end was, held.
    pub lines: Vec<Line>,
    /// What is missing.
    pub shortages: Vec<Shortage>,
    /// When it ends by itself.
    pub expire_time: Option<DateTime<Utc>>,
    /// When it was made.
    pub create_time: DateTime<Utc>,
    /// 1, 2, 3 …
    pub version: i64,
}

impl Reservation {
    /// Holds all that is wanted, or what there is of it when shortages are accepted, or nothing.
    pub fn hold(
        wanted: &Wanted,
        stock: &mut Stock,
        warehouses: &[WarehouseId],
        actor: String,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let Allocation { lines, shortages } = Allocation::of(&wanted.units, stock, warehouses);
        if !shortages.is_empty() && wanted.on_shortage == OnShortage::Refuse {
            return Err(Error::OutOfStock { shortages });
        }
        let cause = Arc::new(wanted.holder.cause(Kind::Reserve, "", actor));
        for line in &lines {
            stock.post(&line.sku, line.warehouse_id, Delta::reserved(line.quantity), &cause)?;
        }
        let (holder, expire_time) = (Some(wanted.holder.clone()), wanted.expire_time);
        let id = wanted.reservation_id;
        Ok(Self {
            id,
            holder,
            state: State::Held,
            lines,
            shortages,
            expire_time,
            create_time: now,
            version: 1,
        })
    }

    /// Remembers that `id` was released, so that a late reserve is refused.
    pub fn tombstone(id: ReservationId, now: DateTime<Utc>) -> Self {
        let (lines, shortages) = (Vec::new(), Vec::new());
        let state = State::Released;
        Self { id, holder: None, state, lines, shortages, expire_time: None, create_time: now, version: 1 }
    }

    /// What somebody is told who wants the same reservation again.
    pub fn again(&self, wanted: &Wanted) -> Result<Self> {
        match self.state {
            State::Released | State::Expired => Err(Error::ReservationReleased { id: self.id }),
            State::Held | State::Shipped if self.is_for(wanted) => Ok(self.clone()),
            State::Held | State::Shipped => Err(Error::ReservationMismatch { id: self.id }),
        }
    }

    /// Ends it and gives or ships its units.
    pub fn end(&mut self, ending: Ending, note: &str, actor: String, stock: &mut Stock) -> Result<Outcome> {
        let Some(state) = self.state.after(ending, self.id)? else { return Ok(Outcome::Unchanged) };
        if let Some(holder) = &self.holder {
            let cause = Arc::new(holder.cause(ending.posting_kind(), note, actor));
            for line in &self.lines {
                stock.post(&line.sku, line.warehouse_id, ending.delta(line.quantity), &cause)?;
            }
        }
        self.state = state;
        self.version += 1;
        Ok(Outcome::Ended)
    }

    /// Gives up units in `warehouse_id` as far as `deficits` lack them; answers what was lost.
    pub fn lose(&mut self, warehouse_id: WarehouseId, deficits: &mut BTreeMap<Sku, i64>) -> Vec<Line> {
        let wanted = self.wanted();
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
        if !lost.is_empty() {
            self.lines.retain(|line| line.quantity > 0);
            self.shortages = shortages(&wanted, &self.lines);
            self.version += 1;
        }
        lost
    }

    /// What was wanted, by SKU.
    pub fn wanted(&self) -> BTreeMap<Sku, i64> {
        let mut wanted = held(&self.lines);
        wanted.extend(self.shortages.iter().map(|shortage| (shortage.sku.clone(), shortage.wanted)));
        wanted
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

    fn is_for(&self, wanted: &Wanted) -> bool {
        self.holder.as_ref() == Some(&wanted.holder) && self.wanted() == wanted.units
    }
}

impl Holder {
    /// What ledger rows of this holder's units say.
    pub fn cause(&self, kind: Kind, note: &str, actor: String) -> Cause {
        let reference = self.owner.to_string();
        Cause { kind, reference, note: note.to_owned(), actor, shop_id: Some(self.shop_id) }
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} available, {} wanted", self.sku, self.available, self.wanted)
    }
}

fn held(lines: &[Line]) -> BTreeMap<Sku, i64> {
    let mut held = BTreeMap::new();
    for line in lines {
        *held.entry(line.sku.clone()).or_insert(0) += line.quantity;
    }
    held
}

fn shortages(wanted: &BTreeMap<Sku, i64>, lines: &[Line]) -> Vec<Shortage> {
    let held = held(lines);
    let all = wanted.iter().map(|(sku, &wanted)| {
        let available = held.get(sku).copied().unwrap_or(0);
        Shortage { sku: sku.clone(), wanted, available }
    });
    all.filter(|shortage| shortage.available < shortage.wanted).collect()
}
