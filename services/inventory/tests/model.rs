//! Any sequence of decisions keeps the books, without a database.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use korob_inventory::Error;
use korob_inventory::model::*;
use proptest::prelude::*;
use types::{Money, OrderId, ReservationId, ShopId, Sku, WarehouseId};

const SKUS: [&str; 3] = ["A", "B", "C"];
const WAREHOUSES: usize = 2;

#[derive(Debug, Clone)]
enum Step {
    Receive { warehouse: usize, sku: usize, units: i64 },
    Count { warehouse: usize, sku: usize, units: i64 },
    Differ { warehouse: usize, sku: usize, delta: i64 },
    Reserve { units: Vec<(usize, i64)>, on_shortage: OnShortage, split: Split, reversed: bool },
    Change { which: usize, units: Vec<(usize, i64)>, on_shortage: OnShortage, split: Split },
    Ship { which: usize, units: Vec<(usize, i64)> },
    End { which: usize, ending: Ending },
}

fn step() -> impl Strategy<Value = Step> {
    let place = (0..WAREHOUSES, 0..SKUS.len());
    let units = prop::collection::vec((0..SKUS.len(), 1..8_i64), 1..5);
    let on_shortage = prop_oneof![Just(OnShortage::Refuse), Just(OnShortage::Accept)];
    let split = prop_oneof![Just(Split::Allowed), Just(Split::OneWarehouse)];
    let ending = prop_oneof![Just(Ending::Release), Just(Ending::Expire), Just(Ending::Ship)];
    let which = any::<prop::sample::Index>().prop_map(|which| which.index(1000));
    let (some, fewer) = (units.clone(), prop::collection::vec((0..SKUS.len(), 1..3_i64), 1..2));
    prop_oneof![
        2 => (place.clone(), 1..20_i64).prop_map(|((warehouse, sku), units)| Step::Receive { warehouse, sku, units }),
        1 => (place.clone(), 0..15_i64).prop_map(|((warehouse, sku), units)| Step::Count { warehouse, sku, units }),
        1 => (place, -10..10_i64).prop_map(|((warehouse, sku), delta)| Step::Differ { warehouse, sku, delta }),
        4 => (units, on_shortage.clone(), split.clone(), any::<bool>()).prop_map(
            |(units, on_shortage, split, reversed)| Step::Reserve { units, on_shortage, split, reversed }
        ),
        2 => (which.clone(), some, on_shortage, split)
            .prop_map(|(which, units, on_shortage, split)| Step::Change { which, units, on_shortage, split }),
        2 => (which.clone(), fewer).prop_map(|(which, units)| Step::Ship { which, units }),
        3 => (which, ending).prop_map(|(which, ending)| Step::End { which, ending }),
    ]
}

/// A stockroom in memory.
struct Books {
    stock: Stock,
    warehouses: Vec<Warehouse>,
    reservations: BTreeMap<ReservationId, Reservation>,
    /// What each live reservation wants and has not got on its way, told by the steps and not by the reservation.
    wanted: BTreeMap<ReservationId, BTreeMap<Sku, i64>>,
    layers: CostLayers,
    /// What each unit of a place cost, the oldest first; nobody knows it of units that a count has found.
    units: BTreeMap<CostPlace, VecDeque<Option<i64>>>,
    now: DateTime<Utc>,
    steps: usize,
}

impl Books {
    fn new() -> Self {
        let warehouse = |at: usize| Warehouse {
            id: WarehouseId::new(),
            name: format!("W{at}"),
            archived: false,
            create_time: DateTime::UNIX_EPOCH,
        };
        let warehouses: Vec<_> = (0..WAREHOUSES).map(warehouse).collect();
        let level = |sku: &str, warehouse_id| StockLevel {
            sku: sku.parse().unwrap(),
            warehouse_id,
            condition: Condition::Sellable,
            on_hand: 0,
            reserved: 0,
            version: 0,
            update_time: DateTime::UNIX_EPOCH,
        };
        let levels = SKUS.iter().flat_map(|sku| warehouses.iter().map(move |one| level(sku, one.id)));
        let stock = Stock::of(levels.collect::<Vec<_>>());
        let (reservations, wanted, layers, units) = Default::default();
        let now = DateTime::UNIX_EPOCH;
        Self { stock, warehouses, reservations, wanted, layers, units, now, steps: 0 }
    }

    fn occasion(&self) -> Occasion {
        Occasion { actor: "tester".to_owned(), now: self.now, due_time: self.now + TimeDelta::hours(24) }
    }

    fn apply(&mut self, step: &Step) -> Result<(), Error> {
        self.now += TimeDelta::seconds(1);
        self.steps += 1;
        match step {
            Step::Receive { warehouse, sku, units } => {
                let price = Some(self.steps as i64);
                self.correct(*warehouse, *sku, Correction::Delta(*units), price)
            }
            Step::Count { warehouse, sku, units } => {
                self.correct(*warehouse, *sku, Correction::Counted(*units), None)
            }
            Step::Differ { warehouse, sku, delta } => {
                self.correct(*warehouse, *sku, Correction::Delta(*delta), None)
            }
            Step::Reserve { units, on_shortage, split, reversed } => {
                self.reserve(units, *on_shortage, *split, *reversed)
            }
            Step::Change { which, units, on_shortage, split } => {
                self.change(*which, units, *on_shortage, *split)
            }
            Step::Ship { which, units } => self.ship(*which, Goods::Units(summed(units))),
            Step::End { which, ending: Ending::Ship } => self.ship(*which, Goods::All),
            Step::End { which, ending } => self.give_back(*which, *ending),
        }
    }

    /// Posts a correction, or a receipt when units have a `price`.
    fn correct(
        &mut self,
        warehouse: usize,
        sku: usize,
        correction: Correction,
        price: Option<i64>,
    ) -> Result<(), Error> {
        let corrections = BTreeMap::from([(self::sku(sku), correction)]);
        let warehouse_id = self.warehouses[warehouse].id;
        let movements = Correction::movements(&corrections, &self.stock, warehouse_id, Condition::Sellable)?;
        let effect = Effect::of(&movements, &self.stock)?;
        let occasion = self.occasion();
        effect.take_away(&mut self.reservations, &mut self.stock, "", &occasion)?;
        let document = Document::new(DocumentKind::Adjustment, "tester".to_owned(), self.now);
        let purchase = Purchase { unit_cost: price.map(hryvnias), ..Purchase::default() };
        let bought = Provenance::Bought(vec![purchase]);
        let provenance = if price.is_some() { bought } else { Provenance::Moved };
        self.cost(&document, &movements, &provenance, price);
        self.stock.post_all(document, &movements)?;
        self.serve()
    }

    /// Moves units one by one beside the layers, and compares what they cost.
    fn cost(
        &mut self,
        document: &Document,
        movements: &[Movement],
        provenance: &Provenance,
        price: Option<i64>,
    ) {
        let before = self.layers.entries().len();
        self.layers.post(document, movements, provenance);
        let told = self.layers.entries()[before..].to_vec();
        for (at, movement) in movements.iter().enumerate() {
            let place = (movement.sku.clone(), movement.warehouse_id, movement.condition);
            let units = self.units.entry(place).or_default();
            let expected: Vec<Option<i64>> = match movement.units {
                gone @ ..0 => units.drain(..gone.unsigned_abs() as usize).collect(),
                came => vec![price; came as usize],
            };
            if movement.units > 0 {
                units.extend(&expected);
            }
            let of_line = told.iter().filter(|entry| entry.line == at + 1);
            let costs: Vec<Option<i64>> = of_line
                .flat_map(|one| {
                    vec![one.layer.unit_cost.map(Money::minor); one.units.unsigned_abs() as usize]
                })
                .collect();
            assert_eq!(costs, expected, "what {movement:?} costs");
        }
    }

    /// Every unit that is there belongs to a layer, in the order in which it came.
    fn check_layers(&self) {
        for level in self.stock.levels() {
            let place = (level.sku.clone(), level.warehouse_id, level.condition);
            assert_eq!(self.layers.remaining(&place), level.on_hand);
            let costs: VecDeque<Option<i64>> = self
                .layers
                .parts(&place)
                .flat_map(|part| vec![part.layer.unit_cost.map(Money::minor); part.units as usize])
                .collect();
            assert_eq!(costs, self.units.get(&place).cloned().unwrap_or_default());
        }
    }

    fn serve(&mut self) -> Result<(), Error> {
        let (warehouses, occasion) = (Warehouses::of(&self.warehouses), self.occasion());
        cover_oldest(&mut self.reservations, &mut self.stock, &warehouses, &occasion)?;
        for reservation in self.reservations.values_mut() {
            reservation.shortage_changes();
        }
        Ok(())
    }

    fn reserve(
        &mut self,
        lines: &[(usize, i64)],
        on_shortage: OnShortage,
        split: Split,
        reversed: bool,
    ) -> Result<(), Error> {
        let mut from: Vec<WarehouseId> = self.warehouses.iter().map(|one| one.id).collect();
        if reversed {
            from.reverse();
        }
        let wanted = Wanted {
            reservation_id: ReservationId::new(),
            holder: Holder { owner: Owner::Order(OrderId::new()), shop_id: ShopId::new() },
            units: summed(lines),
            terms: Terms { warehouse_ids: from.clone(), split },
            on_shortage,
            expire_time: None,
        };
        let whole =
            |one: &&WarehouseId| wanted.units.iter().all(|(sku, n)| self.stock.available(sku, **one) >= *n);
        let expected = from.iter().find(whole).copied();
        let occasion = self.occasion();
        let mut reservation = Reservation::hold(&wanted, &mut self.stock, &from, &occasion)?;
        reservation.shortage_changes();
        assert_eq!(reservation.again(&wanted).unwrap(), reservation);
        assert!(on_shortage == OnShortage::Accept || reservation.shortages.is_empty());
        assert!(split == Split::Allowed || reservation.uses().len() <= 1, "from one warehouse only");
        if let Some(expected) = expected {
            assert!(
                reservation.lines.iter().all(|line| line.warehouse_id == expected),
                "one warehouse when one has all"
            );
        }
        self.wanted.insert(reservation.id, wanted.units);
        self.reservations.insert(reservation.id, reservation);
        Ok(())
    }

    fn pick(&mut self, which: usize) -> Option<ReservationId> {
        let count = self.reservations.len().max(1);
        self.reservations.keys().nth(which % count).copied()
    }

    fn change(
        &mut self,
        which: usize,
        lines: &[(usize, i64)],
        on_shortage: OnShortage,
        split: Split,
    ) -> Result<(), Error> {
        let Some(id) = self.pick(which) else { return Ok(()) };
        let (warehouses, occasion) = (Warehouses::of(&self.warehouses), self.occasion());
        let reservation = self.reservations.get_mut(&id).unwrap();
        let units = summed(lines);
        let terms = Terms { warehouse_ids: Vec::new(), split };
        let revision = reservation.revision + 1;
        let change = Change { reservation_id: id, revision, units: units.clone(), terms, on_shortage };
        let before = reservation.clone();
        let changed = reservation.change(&change, &mut self.stock, &warehouses, &occasion);
        if changed.is_err() {
            assert_eq!(*reservation, before, "a refused change changes nothing");
        }
        changed?;
        assert!(on_shortage == OnShortage::Accept || reservation.open_shortages().next().is_none());
        self.wanted.insert(id, units);
        self.serve()
    }

    fn ship(&mut self, which: usize, goods: Goods) -> Result<(), Error> {
        let Some(id) = self.pick(which) else { return Ok(()) };
        let occasion = self.occasion();
        let reservation = self.reservations.get_mut(&id).unwrap();
        let shipment = Shipment { reference: format!("shm_{}", self.steps), goods, warehouse_id: None };
        let before = reservation.clone();
        let left = reservation.ship(&shipment, &mut self.stock, &occasion);
        if left.is_err() {
            assert_eq!(*reservation, before, "a refused shipment takes nothing");
        }
        let left = left?;
        assert!(reservation.ship(&shipment, &mut self.stock, &occasion)?.is_empty() || left.is_empty());
        let gone = |line: &Line| Movement {
            sku: line.sku.clone(),
            warehouse_id: line.warehouse_id,
            condition: Condition::Sellable,
            units: -line.quantity,
            kind: Kind::Shipment,
        };
        let document = Document::new(DocumentKind::Shipment, "tester".to_owned(), self.now);
        self.cost(&document, &left.iter().map(gone).collect::<Vec<_>>(), &Provenance::Moved, None);
        let wanted = self.wanted.get_mut(&id).unwrap();
        for line in left {
            *wanted.get_mut(&line.sku).unwrap() -= line.quantity;
        }
        Ok(())
    }

    fn give_back(&mut self, which: usize, ending: Ending) -> Result<(), Error> {
        let Some(id) = self.pick(which) else { return Ok(()) };
        let occasion = self.occasion();
        let reservation = self.reservations.get_mut(&id).unwrap();
        reservation.give_back(ending, "", &mut self.stock, &occasion)?;
        self.wanted.insert(id, BTreeMap::new());
        self.serve()
    }

    /// Every unit that is wanted is held or missing, nothing is missing that is free, and nothing else is held.
    fn check_reservations(&self) {
        for (id, reservation) in self.reservations.iter().filter(|(_, one)| one.state == State::Held) {
            let wanted: BTreeMap<_, _> =
                self.wanted[id].iter().filter(|(_, n)| **n > 0).map(|(sku, n)| (sku.clone(), *n)).collect();
            assert_eq!(reservation.wanted(), wanted, "neither held nor missing");
            for shortage in reservation.open_shortages().filter(|_| reservation.terms.split == Split::Allowed)
            {
                assert!(!self.stock.is_free(&shortage.sku), "{} is free and missing", shortage.sku);
            }
            assert!(reservation.lines.is_sorted_by_key(|line| (line.sku.clone(), line.warehouse_id)));
        }
    }

    /// `on_hand = Σ on_hand_delta`, `reserved = Σ reserved_delta = Σ live lines`, `0 <= reserved <= on_hand`.
    fn check(&self) {
        for level in self.stock.levels() {
            let here = |sku: &Sku, warehouse| *sku == level.sku && warehouse == level.warehouse_id;
            let posted: Vec<_> = self
                .stock
                .postings()
                .iter()
                .filter(|one| here(&one.sku, one.warehouse_id))
                .map(|one| one.delta)
                .collect();
            let held =
                self.reservations.values().filter(|one| one.state == State::Held).flat_map(|one| &one.lines);
            let held: i64 =
                held.filter(|line| here(&line.sku, line.warehouse_id)).map(|line| line.quantity).sum();
            assert_eq!(level.on_hand, posted.iter().map(|delta| delta.on_hand).sum::<i64>());
            assert_eq!(level.reserved, posted.iter().map(|delta| delta.reserved).sum::<i64>());
            assert_eq!(level.reserved, held);
            assert!(0 <= level.reserved && level.reserved <= level.on_hand);
            assert_eq!(level.version, posted.len() as i64);
        }
    }
}

fn hryvnias(minor: i64) -> Money {
    Money::new("UAH".parse().unwrap(), minor)
}

fn sku(at: usize) -> Sku {
    SKUS[at].parse().unwrap()
}

fn summed(lines: &[(usize, i64)]) -> BTreeMap<Sku, i64> {
    let mut units = BTreeMap::new();
    for (sku, quantity) in lines {
        *units.entry(self::sku(*sku)).or_insert(0) += quantity;
    }
    units
}

proptest! {
    #[test]
    fn books_balance_after_every_step(steps in prop::collection::vec(step(), 1..60)) {
        let mut books = Books::new();
        for step in &steps {
            match books.apply(step) {
                Ok(())
                | Err(Error::OutOfStock { .. } | Error::StockBelowZero { .. })
                | Err(Error::ReservationShipped { .. } | Error::ReservationReleased { .. })
                | Err(Error::OverShipment { .. }) => {}
                Err(other) => panic!("{step:?}: {other}"),
            }
            books.check();
            books.check_reservations();
            books.check_layers();
        }
    }

    #[test]
    fn owners_read_back_as_they_are_written(cart in "[^\\p{Cc}]{1,128}") {
        if let Ok(owner) = format!("cart:{cart}").parse::<Owner>() {
            prop_assert_eq!(owner.to_string().parse::<Owner>().unwrap(), owner);
        }
        let order = Owner::Order(OrderId::new());
        prop_assert_eq!(order.to_string().parse::<Owner>().unwrap(), order);
    }
}
