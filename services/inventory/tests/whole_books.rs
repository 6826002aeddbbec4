//! Any sequence of calls keeps the books: every number in the database is the sum of what was told, and nothing that an order
//! wants is forgotten.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proto::inventory::v1::stock_adjustment::Change;
use proto::inventory::v1::*;
use tonic::Status;

use crate::stockroom::Stockroom;

/// Goods and the components of kits, which stock does not tell apart.
const SKUS: [&str; 3] = ["MUG", "SPOON", "BOX"];
const STEPS_MAX: usize = 40;
const CASES: u32 = 12;
/// What a step may be refused with; everything else is a defect.
const REFUSALS: [&str; 13] = [
    "OUT_OF_STOCK",
    "STOCK_BELOW_ZERO",
    "OVER_SHIPMENT",
    "OVER_RECEIPT",
    "RESERVATION_RELEASED",
    "RESERVATION_SHIPPED",
    "TRANSFER_ENDED",
    "STOCK_DOCUMENT_REVERSED",
    "STOCK_DOCUMENT_NOT_REVERSIBLE",
    "SHORTAGE_ENDED",
    "MORE_THAN_MISSING",
    "TOO_MANY_HOLDS",
    "STALE_REVISION",
];

type Lines = Vec<(usize, i64)>;

#[derive(Debug, Clone)]
enum Step {
    Receive { warehouse: usize, lines: Lines, condition: usize },
    Count { warehouse: usize, sku: usize, units: i64 },
    Reserve { lines: Lines, accept: bool, one: bool, warehouses: usize },
    Change { which: usize, lines: Lines, accept: bool, one: bool },
    Ship { which: usize, lines: Lines },
    Release { which: usize },
    Return { warehouse: usize, lines: Lines, disposition: usize },
    WriteOff { warehouse: usize, lines: Lines },
    Judge { warehouse: usize, lines: Lines, from: usize, to: usize },
    Dispatch { from: usize, lines: Lines },
    Arrive { which: usize, lines: Lines },
    Lose { which: usize },
    Recall { which: usize },
    Reverse { which: usize },
    Cover { which: usize, warehouse: usize },
}

const WAREHOUSES: usize = 2;
const CONDITIONS: [Condition; 3] = [Condition::Sellable, Condition::Quarantine, Condition::Damaged];
const DISPOSITIONS: [ReturnDisposition; 3] =
    [ReturnDisposition::Sellable, ReturnDisposition::Quarantine, ReturnDisposition::WriteOff];

fn step() -> impl Strategy<Value = Step> {
    let lines = || prop::collection::vec((0..SKUS.len(), 1..6_i64), 1..4);
    let which = || any::<prop::sample::Index>().prop_map(|which| which.index(1000));
    let place = || 0..WAREHOUSES;
    prop_oneof![
        4 => (place(), lines(), 0..6_usize)
            .prop_map(|(warehouse, lines, condition)| Step::Receive { warehouse, lines, condition }),
        2 => (place(), 0..SKUS.len(), 0..8_i64)
            .prop_map(|(warehouse, sku, units)| Step::Count { warehouse, sku, units }),
        6 => (lines(), any::<bool>(), any::<bool>(), 0..3_usize)
            .prop_map(|(lines, accept, one, warehouses)| Step::Reserve { lines, accept, one, warehouses }),
        3 => (which(), lines(), any::<bool>(), any::<bool>())
            .prop_map(|(which, lines, accept, one)| Step::Change { which, lines, accept, one }),
        3 => (which(), prop::collection::vec((0..SKUS.len(), 1..4_i64), 0..2))
            .prop_map(|(which, lines)| Step::Ship { which, lines }),
        2 => which().prop_map(|which| Step::Release { which }),
        2 => (place(), lines(), 0..3_usize)
            .prop_map(|(warehouse, lines, disposition)| Step::Return { warehouse, lines, disposition }),
        2 => (place(), lines()).prop_map(|(warehouse, lines)| Step::WriteOff { warehouse, lines }),
        2 => (place(), lines(), 0..3_usize, 1..3_usize)
            .prop_map(|(warehouse, lines, from, to)| Step::Judge { warehouse, lines, from, to: (from + to) % 3 }),
        3 => (place(), lines()).prop_map(|(from, lines)| Step::Dispatch { from, lines }),
        2 => (which(), prop::collection::vec((0..SKUS.len(), 1..4_i64), 0..2))
            .prop_map(|(which, lines)| Step::Arrive { which, lines }),
        1 => which().prop_map(|which| Step::Lose { which }),
        1 => which().prop_map(|which| Step::Recall { which }),
        2 => which().prop_map(|which| Step::Reverse { which }),
        2 => (which(), place()).prop_map(|(which, warehouse)| Step::Cover { which, warehouse }),
    ]
}

/// A stockroom, and what its steps know of it.
struct Books {
    room: Stockroom,
    warehouses: Vec<String>,
    reservations: Vec<String>,
    /// What each order wants and has not got on its way, told by the steps.
    wanted: BTreeMap<String, BTreeMap<&'static str, i64>>,
    transfers: Vec<Transfer>,
    documents: Vec<String>,
    steps: usize,
}

impl Books {
    async fn new() -> Self {
        let room = Stockroom::new().await;
        let warehouses = vec![room.warehouse("First").await, room.warehouse("Second").await];
        let (reservations, wanted, transfers, documents) = Default::default();
        Self { room, warehouses, reservations, wanted, transfers, documents, steps: 0 }
    }

    async fn apply(&mut self, step: &Step) -> Result<(), Status> {
        self.steps += 1;
        let mut client = self.room.client();
        match step {
            Step::Receive { warehouse, lines, condition } => {
                let condition = CONDITIONS.get(*condition).copied().unwrap_or(Condition::Sellable).into();
                // Some know what they cost.
                let price = |units: i64| if units % 3 == 0 { String::new() } else { format!("{units}.50") };
                let prices: Vec<_> = named(lines).into_iter().map(|(sku, n)| (sku, n, price(n))).collect();
                let lines: Vec<_> =
                    prices.iter().map(|(sku, n, price)| (*sku, *n, price.as_str(), "PO-1")).collect();
                let receipt = self.room.purchase(&self.warehouses[*warehouse], &lines);
                let posted = client.receive_stock(ReceiveStockRequest { condition, ..receipt }).await?;
                self.documents.extend(posted.into_inner().document.map(|one| one.document_id));
            }
            Step::Count { warehouse, sku, units } => {
                let lines = [(SKUS[*sku], Change::Counted(*units))];
                let correction = self.room.correction(&self.warehouses[*warehouse], &lines);
                let posted = client.adjust_stock(correction).await?;
                self.documents.extend(posted.into_inner().document.map(|one| one.document_id));
            }
            Step::Reserve { lines, accept, one, warehouses } => {
                let order = ReserveStockRequest {
                    accept_shortage: *accept,
                    split: split(*one),
                    warehouse_ids: self.warehouses.iter().take(*warehouses).cloned().collect(),
                    ..self.room.order(&named(lines))
                };
                let held = client.reserve_stock(order).await?.into_inner();
                self.wanted.insert(held.reservation_id.clone(), summed(lines));
                self.reservations.push(held.reservation_id);
            }
            Step::Change { which, lines, accept, one } => {
                let Some(id) = pick(&self.reservations, *which).cloned() else { return Ok(()) };
                let before = self.room.reservation(&id).await;
                let request = ChangeReservationRequest {
                    accept_shortage: *accept,
                    split: split(*one),
                    ..self.room.rewrite(&before, &named(lines))
                };
                client.change_reservation(request).await?;
                self.wanted.insert(id, summed(lines));
            }
            Step::Ship { which, lines } => self.ship(*which, lines).await?,
            Step::Release { which } => {
                let Some(id) = pick(&self.reservations, *which).cloned() else { return Ok(()) };
                self.room.try_release(&id).await?;
                self.wanted.insert(id, BTreeMap::new());
            }
            Step::Return { warehouse, lines, disposition } => {
                let fate = DISPOSITIONS[*disposition];
                let lines: Vec<_> = lines.iter().map(|(sku, units)| (SKUS[*sku], *units, fate)).collect();
                let mut request = self.room.returned(&self.warehouses[*warehouse], &lines);
                if let Some(id) = pick(&self.reservations, self.steps) {
                    request.order_id = self.room.reservation(id).await.owner;
                }
                let posted = client.post_return(request.clone()).await?.into_inner();
                assert_eq!(client.post_return(request).await?.into_inner().document, posted.document);
            }
            Step::WriteOff { warehouse, lines } => {
                let request = self.room.write_off(&self.warehouses[*warehouse], &named(lines));
                let posted = client.write_off_stock(request).await?.into_inner();
                self.documents.extend(posted.document.map(|one| one.document_id));
            }
            Step::Judge { warehouse, lines, from, to } => {
                let (from, to) = (CONDITIONS[*from], CONDITIONS[*to]);
                let request = self.room.verdict(&self.warehouses[*warehouse], &named(lines), from, to);
                let total = self.total().await;
                let posted = client.change_condition(request).await?.into_inner();
                assert_eq!(self.total().await, total, "a condition is not a unit");
                self.documents.extend(posted.document.map(|one| one.document_id));
            }
            Step::Dispatch { from, lines } => {
                let to = &self.warehouses[(from + 1) % WAREHOUSES];
                let request = self.room.load_of(&self.warehouses[*from], to, &named(lines));
                let total = self.total().await;
                let transfer = client.dispatch_transfer(request).await?.into_inner();
                assert_eq!(self.total().await, total, "what is on its way is not gone");
                self.transfers.push(transfer);
            }
            Step::Arrive { which, lines } => {
                let Some(transfer) = pick(&self.transfers, *which) else { return Ok(()) };
                let lines: Vec<_> =
                    lines.iter().map(|(sku, units)| (SKUS[*sku], *units, Condition::Sellable)).collect();
                let total = self.total().await;
                client.receive_transfer(self.room.arrival(transfer, &lines)).await?;
                assert_eq!(self.total().await, total, "what arrives was there before");
            }
            Step::Lose { which } => {
                let Some(transfer) = pick(&self.transfers, *which) else { return Ok(()) };
                let request = CloseTransferRequest {
                    transfer_id: transfer.transfer_id.clone(),
                    note: "lost".to_owned(),
                    idempotency_key: self.room.key(),
                };
                client.close_transfer(request).await?;
            }
            Step::Recall { which } => {
                let Some(transfer) = pick(&self.transfers, *which) else { return Ok(()) };
                let request = CancelTransferRequest {
                    transfer_id: transfer.transfer_id.clone(),
                    note: String::new(),
                    idempotency_key: self.room.key(),
                };
                let total = self.total().await;
                client.cancel_transfer(request).await?;
                assert_eq!(self.total().await, total, "what goes back was there before");
            }
            Step::Reverse { which } => {
                let Some(id) = pick(&self.documents, *which) else { return Ok(()) };
                client.reverse_document(self.room.reversal(id)).await?;
            }
            Step::Cover { which, warehouse } => {
                let open = ListShortagesRequest { state: ShortageState::Open.into(), ..Default::default() };
                let open = client.list_shortages(open).await?.into_inner().shortages;
                let Some(shortage) = pick(&open, *which) else { return Ok(()) };
                client.cover_shortage(self.room.taking(shortage, &self.warehouses[*warehouse], 0)).await?;
            }
        }
        Ok(())
    }

    async fn ship(&mut self, which: usize, lines: &Lines) -> Result<(), Status> {
        let Some(id) = pick(&self.reservations, which).cloned() else { return Ok(()) };
        let before = self.room.reservation(&id).await;
        let parcel = self.room.parcel(&before, &format!("shm_{}", self.steps), &named(lines));
        let after = self.room.client().ship_reservation(parcel.clone()).await?.into_inner();
        assert_eq!(self.room.ship_part(&parcel).await, after, "a repeat posts nothing");
        let shipped = |reservation: &Reservation, sku: &str| -> i64 {
            let lines = reservation.shipped_lines.iter().filter(|line| line.sku == sku);
            lines.map(|line| line.quantity).sum()
        };
        for sku in SKUS {
            let left = shipped(&after, sku) - shipped(&before, sku);
            let asked = summed(lines).get(sku).copied().unwrap_or(0);
            assert!(lines.is_empty() || left == asked, "{sku}: {asked} asked to leave, {left} left");
            if left > 0 {
                *self.wanted.get_mut(&id).unwrap().get_mut(sku).unwrap() -= left;
            }
        }
        Ok(())
    }

    async fn total(&self) -> i64 {
        self.room.number("SELECT coalesce(sum(on_hand), 0)::bigint FROM stock_levels").await
    }

    /// Every unit that a live order wants is held or in an open shortage.
    async fn assert_nothing_is_forgotten(&self) {
        for id in &self.reservations {
            let reservation = self.room.reservation(id).await;
            if reservation.state() != ReservationState::Held {
                assert_eq!(reservation.shortages, [], "{id} ended");
                continue;
            }
            let mut known: BTreeMap<&str, i64> = BTreeMap::new();
            for line in &reservation.lines {
                *known.entry(line.sku.as_str()).or_default() += line.quantity;
            }
            for shortage in &reservation.shortages {
                assert!(shortage.state() == ShortageState::Open && shortage.missing > 0);
                *known.entry(shortage.sku.as_str()).or_default() += shortage.missing;
            }
            let wanted: BTreeMap<&str, i64> =
                self.wanted[id].iter().filter(|(_, units)| **units > 0).map(|(sku, n)| (*sku, *n)).collect();
            assert_eq!(known, wanted, "{id}: neither held nor missing");
        }
    }
}

fn named(lines: &Lines) -> Vec<(&'static str, i64)> {
    lines.iter().map(|(sku, units)| (SKUS[*sku], *units)).collect()
}

fn summed(lines: &Lines) -> BTreeMap<&'static str, i64> {
    let mut units = BTreeMap::new();
    for (sku, quantity) in named(lines) {
        *units.entry(sku).or_default() += quantity;
    }
    units
}

fn split(one: bool) -> i32 {
    if one { SplitPolicy::OneWarehouse.into() } else { SplitPolicy::Allowed.into() }
}

fn pick<T>(of: &[T], which: usize) -> Option<&T> {
    of.get(which.checked_rem(of.len())?)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, ..ProptestConfig::default() })]

    #[test]
    fn the_database_balances_after_every_step(steps in prop::collection::vec(step(), 1..STEPS_MAX)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut books = Books::new().await;
            for step in &steps {
                if let Err(status) = books.apply(step).await {
                    let reason = rpc::reason(&status).unwrap_or_default();
                    assert!(REFUSALS.contains(&reason.as_str()), "{step:?}: {status:?}");
                }
                books.room.assert_books_balance().await;
                books.assert_nothing_is_forgotten().await;
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_orders_of_several_lines_share_fifty_units() {
    let (room, main) = Stockroom::with(&[("MUG", 50), ("SPOON", 400), ("BOX", 120)]).await;
    let attempts = (0..200).map(async |at| {
        // A set of a mug and two spoons, beside single mugs with a box.
        let lines: &[(&str, i64)] =
            if at % 2 == 0 { &[("SPOON", 2), ("MUG", 1)] } else { &[("MUG", 1), ("BOX", 1)] };
        room.try_reserve(room.order(lines)).await
    });
    let answers = futures_util::future::join_all(attempts).await;
    let (mut sold, mut refused) = (0, 0);
    for answer in answers {
        match answer {
            Ok(_) => sold += 1,
            Err(status) => {
                assert_eq!(rpc::reason(&status).as_deref(), Some("OUT_OF_STOCK"), "{status:?}");
                refused += 1;
            }
        }
    }
    assert_eq!((sold, refused), (50, 150));
    assert_eq!(room.stock("MUG").await, (50, 50));
    let (spoons, boxes) = (room.stock("SPOON").await.1, room.stock("BOX").await.1);
    assert_eq!(spoons / 2 + boxes, 50, "nothing is held for an order that was refused");
    room.assert_books_balance().await;

    // Accepted orders get none of them, and all of what comes next, in the order in which they came.
    let waiting = futures_util::future::join_all((0..20).map(|_| room.accept(&[("MUG", 1)]))).await;
    room.receive(&main, &[("MUG", 12)]).await;
    let open = "SELECT count(*) FROM shortages WHERE state = 'open'";
    assert_eq!((waiting.len(), room.number(open).await), (20, 8));
    let unfair = "SELECT count(*) FROM shortages c JOIN shortages o USING (sku)
                  WHERE c.state = 'covered' AND o.state = 'open'
                    AND (c.create_time, c.shortage_id) > (o.create_time, o.shortage_id)";
    assert_eq!(room.number(unfair).await, 0);
    room.assert_books_balance().await;
}
