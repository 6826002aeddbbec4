//! How a held reservation becomes another: units stay where they are as far as that is possible.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use types::{Sku, WarehouseId};

use crate::error::{Error, Result};
use crate::model::{
    Allocation, Change, Kind, Lack, Line, Occasion, OnShortage, Outcome, Reservation, ShortageState, Split,
    State, Stock, Warehouses,
};

/// Units by SKU and warehouse.
type Places = BTreeMap<(Sku, WarehouseId), i64>;

impl Reservation {
    /// Holds what is wanted from now on instead of what was wanted before: all of it, or what there is when shortages are
    /// accepted, or nothing changes.
    pub fn change(
        &mut self,
        change: &Change,
        stock: &mut Stock,
        warehouses: &Warehouses,
        occasion: &Occasion,
    ) -> Result<Outcome> {
        let id = self.id;
        match change.revision.cmp(&self.revision) {
            Ordering::Less => return Err(Error::StaleRevision { id, revision: self.revision }),
            Ordering::Equal => return Ok(Outcome::Unchanged),
            Ordering::Greater => {}
        }
        match self.state {
            State::Held => {}
            State::Shipped => return Err(Error::ReservationShipped { id }),
            State::Released | State::Expired => return Err(Error::ReservationReleased { id }),
        }
        let Allocation { lines, lacks } = self.allocate(change, stock, warehouses)?;
        if !lacks.is_empty() && change.on_shortage == OnShortage::Refuse {
            return Err(Error::OutOfStock { lacks });
        }

        self.rehold(lines, stock, occasion)?;
        self.miss_instead(change, &lacks, occasion);
        self.terms = change.terms.clone();
        self.revision = change.revision;
        self.version += 1;
        self.settle();
        Ok(Outcome::Changed)
    }

    /// Where the units come from, its own counted as available.
    fn allocate(&self, change: &Change, stock: &Stock, warehouses: &Warehouses) -> Result<Allocation> {
        let named = &change.terms.warehouse_ids;
        let own = places(&self.lines);
        let available = |sku: &Sku, warehouse_id: WarehouseId| {
            // A warehouse that was closed gives nothing new; what is held there may stay.
            let free = if warehouses.is_open(warehouse_id) { stock.available(sku, warehouse_id) } else { 0 };
            free + own.get(&(sku.clone(), warehouse_id)).copied().unwrap_or(0)
        };
        let mut candidates = warehouses.candidates(named)?;
        let stays = |id: &WarehouseId| named.is_empty() || named.contains(id);
        for line in self.lines.iter().filter(|line| stays(&line.warehouse_id)) {
            if !candidates.contains(&line.warehouse_id) {
                candidates.push(line.warehouse_id);
            }
        }
        candidates.sort_by_key(|id| !self.lines.iter().any(|line| line.warehouse_id == *id));

        if let Some(whole) = Allocation::whole(&change.units, &available, &candidates) {
            return Ok(whole);
        }
        Ok(match change.terms.split {
            Split::OneWarehouse => Allocation::from_best(&change.units, &available, &candidates),
            Split::Allowed => fill_up(&change.units, &own, &available, &candidates),
        })
    }

    /// Holds `lines` instead of what is held.
    fn rehold(&mut self, lines: Vec<Line>, stock: &mut Stock, occasion: &Occasion) -> Result<()> {
        let (before, after) = (places(&self.lines), places(&lines));
        if let Some(holder) = &self.holder {
            let cause = |kind| Arc::new(holder.cause(kind, "changed", occasion.actor.clone()));
            let (release, reserve) = (cause(Kind::Release), cause(Kind::Reserve));
            let union: BTreeMap<_, _> = before.iter().chain(&after).map(|(place, _)| (place, ())).collect();
            for place in union.into_keys() {
                let units = |places: &Places| places.get(place).copied().unwrap_or(0);
                let (line, delta) = (
                    Line { sku: place.0.clone(), warehouse_id: place.1, quantity: 0 },
                    units(&after) - units(&before),
                );
                match delta.cmp(&0) {
                    Ordering::Less => stock.hold(&line, delta, &release)?,
                    Ordering::Equal => {}
                    Ordering::Greater => stock.hold(&line, delta, &reserve)?,
                }
            }
        }
        self.lines = after
            .into_iter()
            .map(|((sku, warehouse_id), quantity)| Line { sku, warehouse_id, quantity })
            .collect();
        Ok(())
    }

    /// Misses what is lacking now, and no longer what was lacking before.
    fn miss_instead(&mut self, change: &Change, lacks: &[Lack], occasion: &Occasion) {
        let lacking = |sku: &Sku| lacks.iter().find(|lack| lack.sku == *sku).map_or(0, Lack::missing);
        for shortage in self.shortages.iter_mut().filter(|shortage| shortage.is_open()) {
            let is_wanted = change.units.contains_key(&shortage.sku);
            let end = if is_wanted { ShortageState::Covered } else { ShortageState::Closed };
            shortage.set_missing(lacking(&shortage.sku), end, occasion.now);
        }
        for lack in lacks {
            let more = lack.missing() - self.missing(&lack.sku);
            if more > 0 {
                self.miss(&lack.sku, more, occasion);
            }
        }
    }
}

/// Leaves what is held where it is, and takes the rest from the warehouses in their order.
fn fill_up(
    units: &BTreeMap<Sku, i64>,
    own: &Places,
    available: &impl Fn(&Sku, WarehouseId) -> i64,
    warehouses: &[WarehouseId],
) -> Allocation {
    let mut allocation = Allocation::default();
    for (sku, &wanted) in units {
        let mut missing = wanted;
        let mut taken: BTreeMap<WarehouseId, i64> = BTreeMap::new();
        let own = |id: WarehouseId| own.get(&(sku.clone(), id)).copied().unwrap_or(0);
        for &id in warehouses {
            let kept = missing.min(own(id));
            taken.insert(id, kept);
            missing -= kept;
        }
        for &id in warehouses {
            let kept = taken.get(&id).copied().unwrap_or(0);
            let more = missing.min(available(sku, id) - kept);
            taken.insert(id, kept + more);
            missing -= more;
        }
        let lines = taken.into_iter().filter(|(_, quantity)| *quantity > 0);
        let line = |(warehouse_id, quantity)| Line { sku: sku.clone(), warehouse_id, quantity };
        allocation.lines.extend(lines.map(line));
        if missing > 0 {
            allocation.lacks.push(Lack { sku: sku.clone(), wanted, available: wanted - missing });
        }
    }
    allocation
}

fn places(lines: &[Line]) -> Places {
    let mut places = Places::new();
    for line in lines {
        *places.entry((line.sku.clone(), line.warehouse_id)).or_insert(0) += line.quantity;
    }
    places
}
