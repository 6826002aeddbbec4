//! Any sequence of decisions keeps the books, without a database.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use korob_inventory::Error;
use korob_inventory::model::*;
use proptest::prelude::*;
use types::{OrderId, ReservationId, ShopId, Sku, WarehouseId};

const SKUS: [&str; 3] = ["A", "B", "C"];
const WAREHOUSES: usize = 2;

#[derive(Debug, Clone)]
enum Step {
    Receive { warehouse: usize, sku: usize, units: i64 },
    Count { warehouse: usize, sku: usize, units: i64 },
    Differ { warehouse: usize, sku: usize, delta: i64 },
    Reserve { units: Vec<(usize, i64)>, on_shortage: OnShortage, reversed: bool },
    End { which: usize, ending: Ending },
}

fn step() -> impl Strategy<Value = Step> {
    let place = (0..WAREHOUSES, 0..SKUS.len());
    let units = prop::collection::vec((0..SKUS.len(), 1..8_i64), 1..5);
    let on_shortage = prop_oneof![Just(OnShortage::Refuse), Just(OnShortage::Accept)];
    let ending = prop_oneof![Just(Ending::Release), Just(Ending::Expire), Just(Ending::Ship)];
    prop_oneof![
        2 => (place.clone(), 1..20_i64).prop_map(|((warehouse, sku), units)| Step::Receive { warehouse, sku, units }),
        1 => (place.clone(), 0..15_i64).prop_map(|((warehouse, sku), units)| Step::Count { warehouse, sku, units }),
        1 => (place, -10..10_i64).prop_map(|((warehouse, sku), delta)| Step::Differ { warehouse, sku, delta }),
        4 => (units, on_shortage, any::<bool>())
            .prop_map(|(units, on_shortage, reversed)| Step::Reserve { units, on_shortage, reversed }),
        3 => (any::<prop::sample::Index>(), ending)
            .prop_map(|(which, ending)| Step::End { which: which.index(1000), ending }),
    ]
}

/// A stockroom in memory.
struct Books {
    stock: Stock,
    warehouses: Vec<WarehouseId>,
    reservations: Vec<Reservation>,
    now: DateTime<Utc>,
}

impl Books {
    fn new() -> Self {
        let warehouses: Vec<_> = (0..WAREHOUSES).map(|_| WarehouseId::new()).collect();
        let level = |sku: &str, warehouse_id| StockLevel {
            sku: sku.parse().unwrap(),
            warehouse_id,
            condition: Condition::Sellable,
            on_hand: 0,
            reserved: 0,
            version: 0,
            update_time: DateTime::UNIX_EPOCH,
        };
        let levels = SKUS.iter().flat_map(|sku| warehouses.iter().map(move |id| level(sku, *id)));
        let stock = Stock::of(levels.collect::<Vec<_>>());
        Self { stock, warehouses, reservations: Vec::new(), now: DateTime::UNIX_EPOCH }
    }

    fn apply(&mut self, step: &Step) -> Result<(), Error> {
        self.now += TimeDelta::seconds(1);
        match step {
            Step::Receive { warehouse, sku, units } => {
                let delta = Delta { on_hand: *units, reserved: 0 };
                self.stock.post(
                    &self::sku(*sku),
                    self.warehouses[*warehouse],
                    delta,
                    &cause(Kind::Receipt).into(),
                )
            }
            Step::Count { warehouse, sku, units } => {
                self.correct(*warehouse, *sku, Correction::Counted(*units))
            }
            Step::Differ { warehouse, sku, delta } => {
                self.correct(*warehouse, *sku, Correction::Delta(*delta))
            }
            Step::Reserve { units, on_shortage, reversed } => self.reserve(units, *on_shortage, *reversed),
            Step::End { which, ending } => self.end(*which, *ending),
        }
    }

    fn correct(&mut self, warehouse: usize, sku: usize, correction: Correction) -> Result<(), Error> {
        let corrections = BTreeMap::from([(self::sku(sku), correction)]);
        let corrections = Corrections::of(&corrections, &self.stock, self.warehouses[warehouse])?;
        let newest_first =
            self.reservations.iter().rev().filter(|one| one.state == State::Held).cloned().collect();
        let short = corrections.post(&mut self.stock, newest_first, &cause(Kind::Adjustment))?;
        for reservation in short {
            let at = self.reservations.iter().position(|one| one.id == reservation.id).unwrap();
            assert_eq!(
                self.reservations[at].wanted(),
                reservation.wanted(),
                "what was wanted is not forgotten"
            );
            self.reservations[at] = reservation;
        }
        Ok(())
    }

    fn reserve(
        &mut self,
        lines: &[(usize, i64)],
        on_shortage: OnShortage,
        reversed: bool,
    ) -> Result<(), Error> {
        let mut units = BTreeMap::new();
        for (sku, quantity) in lines {
            *units.entry(self::sku(*sku)).or_insert(0) += quantity;
        }
        let wanted = Wanted {
            reservation_id: ReservationId::new(),
            holder: Holder { owner: Owner::Order(OrderId::new()), shop_id: ShopId::new() },
            units,
            warehouse_ids: Vec::new(),
            on_shortage,
            expire_time: None,
        };
        let mut from = self.warehouses.clone();
        if reversed {
            from.reverse();
        }
        let whole =
            |one: &&WarehouseId| wanted.units.iter().all(|(sku, n)| self.stock.available(sku, **one) >= *n);
        let expected = from.iter().find(whole).copied();
        let reservation = Reservation::hold(&wanted, &mut self.stock, &from, "tester".to_owned(), self.now)?;
        assert_eq!(reservation.wanted(), wanted.units);
        assert_eq!(reservation.again(&wanted).unwrap(), reservation);
        assert!(on_shortage == OnShortage::Accept || reservation.shortages.is_empty());
        if let Some(expected) = expected {
            assert!(
                reservation.lines.iter().all(|line| line.warehouse_id == expected),
                "one warehouse when one has all"
            );
        }
        self.reservations.push(reservation);
        Ok(())
    }

    fn end(&mut self, which: usize, ending: Ending) -> Result<(), Error> {
        let count = self.reservations.len().max(1);
        let Some(reservation) = self.reservations.get_mut(which % count) else { return Ok(()) };
        reservation.end(ending, "", "tester".to_owned(), &mut self.stock).map(drop)
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
                self.reservations.iter().filter(|one| one.state == State::Held).flat_map(|one| &one.lines);
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

fn sku(at: usize) -> Sku {
    SKUS[at].parse().unwrap()
}

fn cause(kind: Kind) -> Cause {
    Cause { kind, reference: String::new(), note: String::new(), actor: "tester".to_owned(), shop_id: None }
}

proptest! {
    #[test]
    fn books_balance_after_every_step(steps in prop::collection::vec(step(), 1..60)) {
        let mut books = Books::new();
        for step in &steps {
            match books.apply(step) {
                Ok(())
                | Err(Error::OutOfStock { .. } | Error::StockBelowZero { .. })
                | Err(Error::ReservationShipped { .. } | Error::ReservationReleased { .. }) => {}
                Err(other) => panic!("{step:?}: {other}"),
            }
            books.check();
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
