//! Tells what became of shortages, with history.

use proto::inventory::v1 as pb;
use rpc::Call;
use store::{Audit, Tx};

use crate::model::{Reservation, ShortageChange, Turn};
use crate::wire;

/// Of more shortages of one reservation that change at once, only the last one's event carries the reservation: each would
/// repeat all the others.
const WHOLE_RESERVATIONS_MAX: usize = 64;

/// Tells each of `changes` of `reservation`, which is as it is after them.
pub fn tell(
    tx: &mut Tx,
    call: &Call,
    action: &'static str,
    reservation: &Reservation,
    changes: &[ShortageChange],
) {
    let whole = wire::reservation(reservation);
    for (at, change) in changes.iter().enumerate() {
        let is_told = changes.len() <= WHOLE_RESERVATIONS_MAX || at + 1 == changes.len();
        tell_one(tx, call, action, reservation, change, is_told.then(|| whole.clone()));
    }
}

fn tell_one(
    tx: &mut Tx,
    call: &Call,
    action: &'static str,
    reservation: &Reservation,
    change: &ShortageChange,
    whole: Option<pb::Reservation>,
) {
    let shop_id = reservation.holder.as_ref().map(|holder| holder.shop_id);
    let ShortageChange { turn, before, shortage } = change;
    let audit = Audit::new(action, shortage.id)
        .change("state", (shortage.version > 1).then_some("open"), Some(shortage.state.text()))
        .change("missing", *before, shortage.missing);
    tx.audit_for(call, shop_id.into_iter().fold(audit, |audit, shop_id| audit.shop(shop_id.uuid())));

    let (id, version) = (shortage.id, shortage.version);
    let (shortage, reservation) = (Some(wire::shortage(shortage, reservation)), whole);
    match turn {
        Turn::Opened => {
            let event = pb::ShortageOpened { shortage, reservation };
            events::append_for(tx, call, id, version, shop_id, &event);
        }
        Turn::Covered => {
            let event = pb::ShortageCovered { shortage, reservation, quantity: change.units() };
            events::append_for(tx, call, id, version, shop_id, &event);
        }
        Turn::Closed => {
            let event = pb::ShortageClosed { shortage, reservation };
            events::append_for(tx, call, id, version, shop_id, &event);
        }
    }
}
