//! Ends many reservations at once: releases them, lets them expire, or ships their units. What is given back goes to those
//! who have waited longest.

use std::collections::{BTreeMap, BTreeSet};

use proto::inventory::v1::{StockReleased, StockShipped};
use rpc::Call;
use store::{Audit, Tx};
use types::ReservationId;

use crate::error::{Error, Result, answer};
use crate::model::{
    CostLayers, Ending, Line, Occasion, Outcome, Reservation, Shipment, ShortageChange, State, Stock,
    Warehouses, cover_oldest,
};
use crate::{tell_shortages, wire};

/// One request to end a reservation.
pub struct End {
    /// The call that asks for it.
    pub call: Call,
    /// The operation, for history.
    pub action: &'static str,
    /// Which.
    pub reservation_id: ReservationId,
    /// How.
    pub act: Act,
}

/// What is done with held units.
pub enum Act {
    /// Their owner gives them back.
    Release {
        /// Why, for the ledger.
        note: String,
    },
    /// Their time ran out.
    Expire,
    /// They leave.
    Ship(Shipment),
}

/// What one request came to.
struct Done<'a> {
    request: &'a End,
    outcome: Outcome,
    before: Option<State>,
    reservation: Reservation,
    /// What left.
    leaving: Vec<Line>,
    /// What became of shortages, of this reservation and of others that got its units.
    shortages: Vec<(Reservation, Vec<ShortageChange>)>,
}

/// What the requests of a batch share.
struct Room {
    known: BTreeMap<ReservationId, Reservation>,
    stock: Stock,
    warehouses: Warehouses,
}

/// Answers each request, in order. One request takes as many statements as a hundred.
pub async fn all(tx: &mut Tx, requests: &[End]) -> Result<Vec<Result<Reservation>>> {
    let ids: Vec<ReservationId> = requests.iter().map(|request| request.reservation_id).collect();

    let skus = Reservation::skus(tx.conn(), &ids).await?;
    let skus: Vec<&str> = skus.iter().map(String::as_str).collect();
    let stock = Stock::lock(tx, &skus).await?;
    let is_shipment = |request: &End| matches!(request.act, Act::Ship(_));
    let freed = if requests.iter().all(is_shipment) { &[] } else { skus.as_slice() };
    let known = Reservation::lock(tx, &ids, freed).await?;
    let waits = |reservation: &Reservation| reservation.open_shortages().next().is_some();
    let warehouses = match known.values().any(waits) {
        true => Warehouses::load(tx.conn()).await?,
        false => Warehouses::default(),
    };
    let mut room = Room { known, stock, warehouses };

    let mut answers = Vec::with_capacity(requests.len());
    let mut all_done = Vec::with_capacity(requests.len());
    for request in requests {
        let now = tx.now();
        let occasion = Occasion { actor: request.call.caller.who(), now, due_time: now };
        let decided = answer(room.decide(request, &occasion))?;
        answers.push(decided.map(|done| {
            let reservation = done.reservation.clone();
            all_done.push(done);
            reservation
        }));
    }

    let mut layers = CostLayers::of_shipments(tx, &room.stock).await?;
    layers.ship(&room.stock);
    room.stock.save(tx).await?;
    layers.save(tx).await?;
    let changed = |done: &Done<'_>| matches!(done.outcome, Outcome::Ended | Outcome::Changed);
    let own = all_done.iter().filter(|done| changed(done)).map(|done| done.reservation.id);
    let served =
        all_done.iter().flat_map(|done| done.shortages.iter().map(|(reservation, _)| reservation.id));
    let touched: BTreeSet<ReservationId> = own.chain(served).collect();
    Reservation::save(tx, &touched.iter().filter_map(|id| room.known.get(id)).collect::<Vec<_>>()).await?;
    let buried = all_done.iter().filter(|done| done.outcome == Outcome::Buried);
    Reservation::insert(tx, &buried.map(|done| &done.reservation).collect::<Vec<_>>()).await?;

    for done in &all_done {
        done.tell(tx);
    }
    Ok(answers)
}

impl Room {
    fn decide<'a>(&mut self, request: &'a End, occasion: &Occasion) -> Result<Done<'a>> {
        let id = request.reservation_id;
        let Some(reservation) = self.known.get_mut(&id) else {
            return self.bury(request, occasion);
        };
        let before = Some(reservation.state);
        let (outcome, leaving) = match &request.act {
            Act::Release { note } => {
                (reservation.give_back(Ending::Release, note, &mut self.stock, occasion)?, Vec::new())
            }
            Act::Expire => {
                let note = "the hold's time ran out";
                (reservation.give_back(Ending::Expire, note, &mut self.stock, occasion)?, Vec::new())
            }
            Act::Ship(shipment) => {
                let leaving = reservation.ship(shipment, &mut self.stock, occasion)?;
                (if leaving.is_empty() { Outcome::Unchanged } else { Outcome::Changed }, leaving)
            }
        };
        let changes = reservation.shortage_changes();
        let reservation = reservation.clone();
        let mut shortages = Vec::new();
        if !changes.is_empty() {
            shortages.push((reservation.clone(), changes));
        }
        if outcome == Outcome::Ended {
            shortages.extend(self.serve_others(occasion)?);
        }
        Ok(Done { request, outcome, before, reservation, leaving, shortages })
    }

    /// Remembers an id that was released before it was reserved.
    fn bury<'a>(&mut self, request: &'a End, occasion: &Occasion) -> Result<Done<'a>> {
        let id = request.reservation_id;
        if !matches!(request.act, Act::Release { .. }) {
            return Err(Error::ReservationNotFound { id });
        }
        let reservation = Reservation::tombstone(id, occasion.now);
        self.known.insert(id, reservation.clone());
        let (outcome, before) = (Outcome::Buried, None);
        Ok(Done { request, outcome, before, reservation, leaving: Vec::new(), shortages: Vec::new() })
    }

    fn serve_others(&mut self, occasion: &Occasion) -> Result<Vec<(Reservation, Vec<ShortageChange>)>> {
        let served = cover_oldest(&mut self.known, &mut self.stock, &self.warehouses, occasion)?;
        let mut told = Vec::with_capacity(served.len());
        for id in served {
            if let Some(reservation) = self.known.get_mut(&id) {
                let changes = reservation.shortage_changes();
                told.push((reservation.clone(), changes));
            }
        }
        Ok(told)
    }
}

impl Done<'_> {
    fn tell(&self, tx: &mut Tx) {
        let (call, reservation) = (&self.request.call, &self.reservation);
        match self.outcome {
            Outcome::Unchanged => return,
            Outcome::Buried => return tx.audit_for(call, self.audit()),
            Outcome::Ended | Outcome::Changed => tx.audit_for(call, self.audit()),
        }
        let (id, version) = (reservation.id, reservation.version);
        let shop_id = reservation.holder.as_ref().map(|holder| holder.shop_id);
        let state = Some(wire::reservation(reservation));
        match &self.request.act {
            Act::Release { .. } | Act::Expire => {
                events::append_for(tx, call, id, version, shop_id, &StockReleased { reservation: state });
            }
            Act::Ship(shipment) => {
                let lines = self.leaving.iter().map(wire::line).collect();
                let event = StockShipped { reservation: state, reference: shipment.reference.clone(), lines };
                events::append_for(tx, call, id, version, shop_id, &event);
            }
        }
        for (reservation, changes) in &self.shortages {
            tell_shortages::tell(tx, call, self.request.action, reservation, changes);
        }
    }

    fn audit(&self) -> Audit {
        let reservation = &self.reservation;
        let audit = Audit::new(self.request.action, reservation.id);
        let audit = audit.change("state", self.before.map(State::text), Some(reservation.state.text()));
        let audit = self
            .leaving
            .iter()
            .fold(audit, |audit, line| audit.set(&format!("shipped of {}", line.sku), line.quantity));
        match &reservation.holder {
            Some(holder) => audit.shop(holder.shop_id.uuid()),
            None => audit,
        }
    }
}
