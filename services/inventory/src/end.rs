//! Ends many reservations at once: releases them, lets them expire, or ships them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use chrono::{DateTime, Utc};
use proto::inventory::v1::{StockReleased, StockShipped};
use rpc::Call;
use store::{Audit, Tx};
use types::ReservationId;

use crate::error::{Error, Result, answer};
use crate::model::{Ending, Outcome, Reservation, State, Stock};
use crate::wire;

/// One request to end a reservation.
pub struct End {
    /// The call that asks for it.
    pub call: Call,
    /// The operation, for history.
    pub action: &'static str,
    /// Which.
    pub reservation_id: ReservationId,
    /// How.
    pub ending: Ending,
    /// Why, for the ledger.
    pub note: String,
}

/// Answers each request, in order. One request takes as many statements as a hundred.
pub async fn all(tx: &mut Tx, requests: &[End]) -> Result<Vec<Result<Reservation>>> {
    let ids: Vec<ReservationId> = requests.iter().map(|request| request.reservation_id).collect();

    let skus = Reservation::skus(tx.conn(), &ids).await?;
    let mut stock = Stock::lock(tx, &skus.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    let mut known = Reservation::lock(tx, &ids).await?;

    let now = tx.now();
    let mut answers = Vec::with_capacity(requests.len());
    let mut changes = Vec::with_capacity(requests.len());
    for request in requests {
        let decided = answer(decide(request, &mut known, &mut stock, now))?;
        answers.push(decided.map(|(outcome, reservation)| {
            changes.push((outcome, request, reservation.clone()));
            reservation
        }));
    }

    let of = |wanted: Outcome| {
        changes.iter().filter(move |change| change.0 == wanted).map(|change| &change.2).collect()
    };
    let (ended, buried): (Vec<_>, Vec<_>) = (of(Outcome::Ended), of(Outcome::Buried));
    stock.save(tx).await?;
    Reservation::save_states(tx, &ended).await?;
    Reservation::insert(tx, &buried).await?;

    for (outcome, request, reservation) in &changes {
        match outcome {
            Outcome::Ended => tell_ended(tx, request, reservation),
            Outcome::Buried => tx.audit_for(&request.call, audit(request, reservation, None)),
            Outcome::Unchanged => {}
        }
    }
    Ok(answers)
}

fn decide(
    request: &End,
    known: &mut BTreeMap<ReservationId, Reservation>,
    stock: &mut Stock,
    now: DateTime<Utc>,
) -> Result<(Outcome, Reservation)> {
    let id = request.reservation_id;
    match (known.entry(id), request.ending) {
        (Entry::Occupied(mut entry), ending) => {
            let reservation = entry.get_mut();
            let outcome = reservation.end(ending, &request.note, request.call.caller.who(), stock)?;
            Ok((outcome, reservation.clone()))
        }
        (Entry::Vacant(entry), Ending::Release) => {
            Ok((Outcome::Buried, entry.insert(Reservation::tombstone(id, now)).clone()))
        }
        (Entry::Vacant(_), Ending::Expire | Ending::Ship) => Err(Error::ReservationNotFound { id }),
    }
}

fn tell_ended(tx: &mut Tx, request: &End, reservation: &Reservation) {
    let (call, id, version) = (&request.call, reservation.id, reservation.version);
    let shop_id = reservation.holder.as_ref().map(|holder| holder.shop_id);
    let state = Some(wire::reservation(reservation));
    tx.audit_for(call, audit(request, reservation, Some(State::Held)));
    match request.ending {
        Ending::Release | Ending::Expire => {
            events::append_for(tx, call, id, version, shop_id, &StockReleased { reservation: state });
        }
        Ending::Ship => {
            events::append_for(tx, call, id, version, shop_id, &StockShipped { reservation: state })
        }
    }
}

fn audit(request: &End, reservation: &Reservation, before: Option<State>) -> Audit {
    let audit = Audit::new(request.action, reservation.id);
    let audit = audit.change("state", before.map(State::text), Some(reservation.state.text()));
    match &reservation.holder {
        Some(holder) => audit.shop(holder.shop_id.uuid()),
        None => audit,
    }
}
