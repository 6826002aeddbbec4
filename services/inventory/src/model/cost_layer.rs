//! What units cost: layers of units that came together. The oldest layer of a place leaves first.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use types::{CostLayerId, Money, Sku, StockDocumentId, WarehouseId};

use crate::model::{Condition, Document, Kind, Movement, Posting, Stock};

/// Units of a SKU that came together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostLayer {
    /// Its id.
    pub id: CostLayerId,
    /// What.
    pub sku: Sku,
    /// What one unit cost; `None` when nobody said.
    pub unit_cost: Option<Money>,
    /// How many came.
    pub received: i64,
    /// The supplier's order that it came with; empty for none.
    pub supplier_order: String,
    /// What brought it; `None` for units from before there were layers.
    pub document_id: Option<StockDocumentId>,
    /// When it came; what is moved keeps it.
    pub receive_time: DateTime<Utc>,
}

/// Units of a layer; never none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Which layer.
    pub layer: Arc<CostLayer>,
    /// How many of it.
    pub units: i64,
}

/// What a line of a receipt says about its units.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Purchase {
    /// What one of them cost.
    pub unit_cost: Option<Money>,
    /// The supplier's order that they came with; empty for none.
    pub supplier_order: String,
}

/// Units that left at one cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sold {
    /// What one of them cost.
    pub unit_cost: Option<Money>,
    /// How many left and did not come back.
    pub units: i64,
}

/// Where the units that a document brings have their cost from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provenance {
    /// From where the document takes them; what it takes from nowhere cost nobody knows what.
    Moved,
    /// From the lines of the receipt, one for each movement.
    Bought(Vec<Purchase>),
    /// From how they left for the order, the first to leave being the first to come back.
    Returned {
        /// The order, when it is known.
        owner: Option<String>,
        /// What left for it, by SKU.
        sold: BTreeMap<Sku, Vec<Sold>>,
    },
    /// From what the document that is undone did, for each movement.
    Undone(Vec<Vec<Part>>),
}

/// Units of a layer that a line of a document took, when negative, or brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostEntry {
    /// The document.
    pub document_id: StockDocumentId,
    /// Its line, from 1.
    pub line: usize,
    /// The layer.
    pub layer: Arc<CostLayer>,
    /// How many units.
    pub units: i64,
    /// The order whose goods left or came back.
    pub owner: Option<String>,
}

/// What a document has taken and not brought yet, and what left for the order whose goods it brings.
#[derive(Debug, Default)]
struct Hands {
    carried: BTreeMap<Sku, VecDeque<Part>>,
    sold: BTreeMap<Sku, Vec<Sold>>,
}

/// A SKU in a warehouse and condition.
pub type CostPlace = (Sku, WarehouseId, Condition);
/// The oldest first.
type Age = (DateTime<Utc>, CostLayerId);

/// The layers of some places, together with what is posted to them.
#[derive(Debug, Clone, Default)]
pub struct CostLayers {
    places: BTreeMap<CostPlace, BTreeMap<Age, Part>>,
    opened: Vec<Arc<CostLayer>>,
    entries: Vec<CostEntry>,
    changes: BTreeMap<(CostPlace, Age), i64>,
}

impl CostLayers {
    /// The layers of places, with nothing posted yet.
    pub fn of(there: impl IntoIterator<Item = (CostPlace, Part)>) -> Self {
        let mut layers = Self::default();
        for (place, part) in there {
            layers.places.entry(place).or_default().insert(part.age(), part);
        }
        layers
    }

    /// Takes what the shipments that are posted to `stock` have leave.
    pub fn ship(&mut self, stock: &Stock) {
        for (document_id, line, posting) in lines_of_documents(stock) {
            let Posting { sku, warehouse_id, condition, delta, cause } = posting;
            let place = (sku.clone(), *warehouse_id, *condition);
            for part in self.take(&place, -delta.on_hand, &[]) {
                let (layer, units, owner) = (part.layer, -part.units, Some(cause.reference.clone()));
                self.entries.push(CostEntry { document_id, line, layer, units, owner });
            }
        }
    }

    /// Takes and brings what `document` moves, each movement being a line.
    pub fn post(&mut self, document: &Document, movements: &[Movement], provenance: &Provenance) {
        let mut hands = Hands::default();
        if let Provenance::Returned { sold, .. } = provenance {
            hands.sold = sold.clone();
        }
        for (at, movement) in movements.iter().enumerate() {
            let (parts, sign) = match movement.units < 0 {
                true => (self.take_away(at, movement, provenance, &mut hands), -1),
                false => (self.bring(at, movement, provenance, &mut hands, document), 1),
            };
            let owner = match (provenance, movement.kind) {
                (Provenance::Returned { owner, .. }, Kind::Return) => owner.as_deref(),
                _ => None,
            };
            for Part { layer, units } in parts {
                let (document_id, line, owner) = (document.id, at + 1, owner.map(str::to_owned));
                self.entries.push(CostEntry { document_id, line, layer, units: sign * units, owner });
            }
        }
    }

    /// Units of all layers in a place.
    pub fn remaining(&self, place: &CostPlace) -> i64 {
        self.parts(place).map(|part| part.units).sum()
    }

    /// What is in a place, the oldest first.
    pub fn parts(&self, place: &CostPlace) -> impl Iterator<Item = &Part> {
        self.places.get(place).into_iter().flat_map(BTreeMap::values)
    }

    /// The layers that were opened.
    pub fn opened(&self) -> &[Arc<CostLayer>] {
        &self.opened
    }

    /// What was taken and brought, line by line.
    pub fn entries(&self) -> &[CostEntry] {
        &self.entries
    }

    /// By how much the units of layers in places changed.
    pub fn changes(&self) -> impl Iterator<Item = (&CostPlace, Age, i64)> {
        self.changes
            .iter()
            .filter(|(_, units)| **units != 0)
            .map(|((place, age), units)| (place, *age, *units))
    }

    fn take_away(
        &mut self,
        at: usize,
        movement: &Movement,
        provenance: &Provenance,
        hands: &mut Hands,
    ) -> Vec<Part> {
        let carried = hands.carried.entry(movement.sku.clone()).or_default();
        let preferred = match provenance {
            Provenance::Undone(lines) => lines.get(at).cloned().unwrap_or_default(),
            // What is written off of a return is what came back, not what lay there.
            Provenance::Returned { .. } => carried.iter().cloned().collect(),
            Provenance::Moved | Provenance::Bought(_) => Vec::new(),
        };
        let taken = self.take(&movement.place(), -movement.units, &preferred);
        carried.extend(taken.iter().cloned());
        taken
    }

    fn bring(
        &mut self,
        at: usize,
        movement: &Movement,
        provenance: &Provenance,
        hands: &mut Hands,
        document: &Document,
    ) -> Vec<Part> {
        let (sku, units) = (&movement.sku, movement.units);
        let carried = hands.carried.entry(sku.clone()).or_default();
        let mut brought = match provenance {
            Provenance::Undone(lines) if carried.is_empty() => lines.get(at).cloned().unwrap_or_default(),
            Provenance::Moved | Provenance::Undone(_) => split_off(carried, units),
            Provenance::Bought(lines) => {
                let purchase = lines.get(at).cloned().unwrap_or_default();
                vec![self.open(document, sku, units, purchase)]
            }
            Provenance::Returned { .. } => {
                let left = hands.sold.get_mut(sku).map(|sold| first_sold(sold, units)).unwrap_or_default();
                let cost = |one: &Sold| Purchase { unit_cost: one.unit_cost, ..Purchase::default() };
                let opened: Vec<Part> =
                    left.iter().map(|one| self.open(document, sku, one.units, cost(one))).collect();
                carried.extend(opened.iter().cloned());
                opened
            }
        };
        let known: i64 = brought.iter().map(|part| part.units).sum();
        if known < units {
            let unknown = self.open(document, sku, units - known, Purchase::default());
            carried.extend(matches!(provenance, Provenance::Returned { .. }).then(|| unknown.clone()));
            brought.push(unknown);
        }
        for part in &brought {
            self.put(&movement.place(), part);
        }
        brought
    }

    /// Takes units from a place: of the layers that are `preferred` first, then the oldest. Units without a layer are
    /// from before there were layers, and have none to take.
    fn take(&mut self, place: &CostPlace, units: i64, preferred: &[Part]) -> Vec<Part> {
        let Some(queue) = self.places.get_mut(place) else { return Vec::new() };
        let mut wanted = units;
        let mut taken: BTreeMap<Age, Part> = BTreeMap::new();
        let first = preferred.iter().map(|part| (part.age(), part.units));
        let then: Vec<(Age, i64)> = queue.keys().map(|age| (*age, i64::MAX)).collect();
        for (age, most) in first.chain(then) {
            let Some(part) = queue.get_mut(&age) else { continue };
            let units = wanted.min(part.units).min(most);
            if units == 0 {
                continue;
            }
            let layer = Arc::clone(&part.layer);
            taken.entry(age).or_insert(Part { layer, units: 0 }).units += units;
            part.units -= units;
            wanted -= units;
            *self.changes.entry((place.clone(), age)).or_default() -= units;
        }
        queue.retain(|_, part| part.units > 0);
        taken.into_values().collect()
    }

    fn put(&mut self, place: &CostPlace, part: &Part) {
        let queue = self.places.entry(place.clone()).or_default();
        let none = Part { layer: Arc::clone(&part.layer), units: 0 };
        queue.entry(part.age()).or_insert(none).units += part.units;
        *self.changes.entry((place.clone(), part.age())).or_default() += part.units;
    }

    fn open(&mut self, document: &Document, sku: &Sku, units: i64, purchase: Purchase) -> Part {
        let layer = Arc::new(CostLayer {
            id: CostLayerId::new(),
            sku: sku.clone(),
            unit_cost: purchase.unit_cost,
            received: units,
            supplier_order: purchase.supplier_order,
            document_id: Some(document.id),
            receive_time: document.post_time,
        });
        self.opened.push(Arc::clone(&layer));
        Part { layer, units }
    }
}

impl Movement {
    fn place(&self) -> CostPlace {
        (self.sku.clone(), self.warehouse_id, self.condition)
    }
}

impl Part {
    fn age(&self) -> Age {
        (self.layer.receive_time, self.layer.id)
    }
}

/// What documents move, each posting with its document and its line, from 1.
pub fn lines_of_documents(stock: &Stock) -> impl Iterator<Item = (StockDocumentId, usize, &Posting)> {
    let mut lines: BTreeMap<StockDocumentId, usize> = BTreeMap::new();
    stock.postings().iter().filter_map(move |posting| {
        let document_id = posting.cause.document_id?;
        let line = lines.entry(document_id).or_default();
        *line += 1;
        Some((document_id, *line, posting))
    })
}

/// The first `units` of a queue, or all that it has.
fn split_off(queue: &mut VecDeque<Part>, units: i64) -> Vec<Part> {
    let mut wanted = units;
    let mut parts = Vec::new();
    while wanted > 0 {
        let Some(mut part) = queue.pop_front() else { break };
        let units = wanted.min(part.units);
        parts.push(Part { layer: Arc::clone(&part.layer), units });
        part.units -= units;
        wanted -= units;
        if part.units > 0 {
            queue.push_front(part);
        }
    }
    parts
}

/// The first `units` of what was sold, or all that was.
fn first_sold(sold: &mut [Sold], units: i64) -> Vec<Sold> {
    let mut wanted = units;
    let mut left = Vec::new();
    for one in sold {
        let units = wanted.min(one.units);
        if units > 0 {
            left.push(Sold { units, ..*one });
            one.units -= units;
            wanted -= units;
        }
    }
    left
}
