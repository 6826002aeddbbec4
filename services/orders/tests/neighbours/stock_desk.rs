//! The stand-in of inventory: it holds, ships and takes back units as the contract says.

use std::collections::{BTreeMap, HashMap};

use proto::inventory::v1 as pb;
use rpc::Fault;
use tonic::{Code, Status};

use super::{State, absent, refused};

#[derive(Clone, Default)]
pub struct Reservation {
    pub owner: String,
    /// What is still wanted, without what was shipped.
    pub wanted: BTreeMap<String, i64>,
    pub held: HashMap<String, i64>,
    pub short: Vec<pb::Shortage>,
    pub released: bool,
    /// Something left.
    pub shipped: bool,
    /// What left, by shipment.
    pub shipments: BTreeMap<String, BTreeMap<String, i64>>,
    pub revision: i32,
    pub version: i64,
    pub split: i32,
}

impl Reservation {
    /// Units that left, of each SKU.
    pub fn shipped_units(&self) -> BTreeMap<String, i64> {
        sum(self.shipments.values().flatten().map(|(sku, units)| (sku.clone(), *units)))
    }

    fn find_short(&mut self) {
        let held = |sku: &String| self.held.get(sku).copied().unwrap_or_default();
        let short = self.wanted.iter().filter(|(sku, wanted)| held(sku) < **wanted);
        self.short = short
            .map(|(sku, wanted)| pb::Shortage {
                sku: sku.clone(),
                wanted: *wanted,
                available: held(sku),
                missing: wanted - held(sku),
                ..Default::default()
            })
            .collect();
    }
}

impl State {
    pub(super) fn reserve(&mut self, request: pb::ReserveStockRequest) -> Result<pb::Reservation, Status> {
        if let Some(known) = self.reservations.get(&request.reservation_id) {
            return match known.released {
                true => Err(refused("RESERVATION_RELEASED")),
                false => Ok(reservation(&request.reservation_id, known)),
            };
        }
        let mut new = Reservation { owner: request.owner, split: request.split, ..Default::default() };
        self.want(&mut new, request.lines, request.accept_shortage)?;
        self.reservations.insert(request.reservation_id.clone(), new.clone());
        Ok(reservation(&request.reservation_id, &new))
    }

    pub(super) fn change_reservation(
        &mut self,
        request: pb::ChangeReservationRequest,
    ) -> Result<pb::Reservation, Status> {
        let known = self.reservations.get(&request.reservation_id).cloned();
        let mut known = known.ok_or_else(|| absent("RESERVATION_NOT_FOUND"))?;
        if known.released {
            return Err(refused("RESERVATION_RELEASED"));
        }
        if request.revision < known.revision {
            return Err(Fault::new(Code::Aborted, "STALE_REVISION", "a later change was made").into());
        }
        if request.revision > known.revision {
            self.want(&mut known, request.lines, request.accept_shortage)?;
            known.revision = request.revision;
            self.reservations.insert(request.reservation_id.clone(), known.clone());
        }
        Ok(reservation(&request.reservation_id, &known))
    }

    /// All or nothing, unless shortages are accepted; what is held already stays held.
    fn want(
        &mut self,
        reservation: &mut Reservation,
        lines: Vec<pb::StockQuantity>,
        accept_shortage: bool,
    ) -> Result<(), Status> {
        let wanted = sum(lines.into_iter().map(|line| (line.sku, line.quantity)));
        let held = |sku: &str| reservation.held.get(sku).copied().unwrap_or_default();
        let free = |sku: &str| self.stock.get(sku).copied().unwrap_or_default();
        let short: Vec<_> = wanted.iter().filter(|(sku, wanted)| held(sku) + free(sku) < **wanted).collect();
        if !accept_shortage && !short.is_empty() {
            let fault = Fault::new(Code::FailedPrecondition, "OUT_OF_STOCK", "stock is short");
            let named = short.into_iter().fold(fault, |fault, (sku, wanted)| {
                fault.with(sku, format!("{wanted}/{}", held(sku) + free(sku)))
            });
            return Err(named.into());
        }
        let mut now = HashMap::new();
        for (sku, wanted) in &wanted {
            now.insert(sku.clone(), (*wanted).min(held(sku) + free(sku)));
        }
        for (sku, units) in reservation.held.drain() {
            *self.stock.entry(sku).or_default() += units;
        }
        for (sku, units) in &now {
            *self.stock.entry(sku.clone()).or_default() -= units;
        }
        (reservation.held, reservation.wanted) = (now, wanted);
        reservation.version += 1;
        reservation.find_short();
        Ok(())
    }

    pub(super) fn release(
        &mut self,
        request: pb::ReleaseReservationRequest,
    ) -> Result<pb::Reservation, Status> {
        let known = self.reservations.entry(request.reservation_id.clone()).or_default();
        if known.shipped {
            return Err(refused("RESERVATION_SHIPPED"));
        }
        known.released = true;
        known.version += 1;
        for (sku, units) in known.held.drain() {
            *self.stock.entry(sku).or_default() += units;
        }
        Ok(reservation(&request.reservation_id, &self.reservations[&request.reservation_id]))
    }

    pub(super) fn ship(&mut self, request: pb::ShipReservationRequest) -> Result<pb::Reservation, Status> {
        let id = request.reservation_id;
        let known = self.reservations.get_mut(&id).ok_or_else(|| absent("RESERVATION_NOT_FOUND"))?;
        if known.shipments.contains_key(&request.reference) {
            return Ok(reservation(&id, known));
        }
        let lines = match request.lines.is_empty() {
            true => known.held.clone().into_iter().collect(),
            false => sum(request.lines.into_iter().map(|line| (line.sku, line.quantity))),
        };
        if lines.iter().any(|(sku, units)| known.held.get(sku).copied().unwrap_or_default() < *units) {
            return Err(refused("OVER_SHIPMENT"));
        }
        for (sku, units) in &lines {
            *known.held.entry(sku.clone()).or_default() -= units;
            *known.wanted.entry(sku.clone()).or_default() -= units;
        }
        known.shipments.insert(request.reference, lines);
        known.shipped = true;
        known.version += 1;
        known.find_short();
        Ok(reservation(&id, known))
    }

    pub(super) fn get_reservation(
        &mut self,
        request: pb::GetReservationRequest,
    ) -> Result<pb::Reservation, Status> {
        let known = self.reservations.get(&request.reservation_id);
        Ok(reservation(&request.reservation_id, known.ok_or_else(|| absent("RESERVATION_NOT_FOUND"))?))
    }

    pub(super) fn look_up(
        &mut self,
        request: pb::LookUpStockRequest,
    ) -> Result<pb::LookUpStockResponse, Status> {
        let stock = |sku: String| pb::SkuStock {
            available: self.stock.get(&sku).copied().unwrap_or_default(),
            sku,
            ..Default::default()
        };
        Ok(pb::LookUpStockResponse { stocks: request.skus.into_iter().map(stock).collect() })
    }

    pub(super) fn post_return(
        &mut self,
        request: pb::PostReturnRequest,
    ) -> Result<pb::PostReturnResponse, Status> {
        if !self.returns.contains_key(&request.posting_id) {
            for line in &request.lines {
                if line.disposition() == pb::ReturnDisposition::Sellable {
                    *self.stock.entry(line.sku.clone()).or_default() += line.quantity;
                }
            }
            self.returns.insert(request.posting_id.clone(), request);
        }
        Ok(pb::PostReturnResponse::default())
    }
}

pub(super) fn reservation(id: &str, known: &Reservation) -> pb::Reservation {
    let line = |(sku, quantity): (&String, &i64)| pb::ReservationLine {
        sku: sku.clone(),
        quantity: *quantity,
        ..Default::default()
    };
    pb::Reservation {
        reservation_id: id.to_owned(),
        owner: known.owner.clone(),
        lines: known.held.iter().filter(|(_, units)| **units > 0).map(line).collect(),
        shortages: known.short.clone(),
        revision: known.revision,
        version: known.version,
        shipped_lines: known.shipped_units().iter().map(line).collect(),
        ..Default::default()
    }
}

fn sum(units: impl Iterator<Item = (String, i64)>) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for (sku, quantity) in units {
        *sums.entry(sku).or_default() += quantity;
    }
    sums
}
