//! Posts a document: the truth wins, whose units are gone learns it, and who waited longest gets what came, all at once.

use std::collections::{BTreeMap, BTreeSet};

use proto::inventory::v1 as pb;
use store::{Audit, Tx};
use types::{ReservationId, Sku, WarehouseId};

use crate::error::Result;
use crate::model::{
    Condition, CostLayers, Depth, Document, Effect, Movement, Occasion, Provenance, Reservation, Stock,
    Warehouses, cover_oldest,
};
use crate::{tell_shortages, wire};

/// SKUs in a warehouse and condition.
pub type Places = BTreeSet<(Sku, WarehouseId, Condition)>;

/// What a document did.
pub struct Posted {
    /// The document; `None` when there was nothing to post.
    pub document: Option<Document>,
    /// The levels after it.
    stock: Stock,
    /// Reservations that lost units, newest first.
    pub short: Vec<ReservationId>,
}

/// Posts what `document` moves to `stock`, whose levels are locked. Takes what is lost from the newest reservations, and
/// covers the oldest shortages with what is free afterwards. What units cost goes with them, as `provenance` says.
pub async fn post(
    tx: &mut Tx,
    action: &'static str,
    mut stock: Stock,
    document: Document,
    movements: &[Movement],
    provenance: &Provenance,
    occasion: &Occasion,
) -> Result<Posted> {
    if movements.is_empty() {
        return Ok(Posted { document: None, stock, short: Vec::new() });
    }
    let effect = Effect::of(movements, &stock)?;
    let freed: Vec<&str> = effect.freed().iter().map(Sku::as_str).collect();
    let mut reservations = Reservation::lock_affected(tx, effect.lost_from(), &freed).await?;
    let warehouses = match reservations.is_empty() {
        true => Warehouses::default(),
        false => Warehouses::load(tx.conn()).await?,
    };

    let depth = if matches!(provenance, Provenance::Undone(_)) { Depth::Whole } else { Depth::Needed };
    let mut layers = CostLayers::of_movements(tx, movements, depth).await?;

    let (id, note) = (document.id, document.note.clone());
    let short = effect.take_away(&mut reservations, &mut stock, &note, occasion)?;
    layers.post(&document, movements, provenance);
    stock.post_all(document, movements)?;
    let served = cover_oldest(&mut reservations, &mut stock, &warehouses, occasion)?;
    let touched: BTreeSet<ReservationId> = short.iter().copied().chain(served).collect();
    let mut changes = BTreeMap::new();
    for (id, reservation) in reservations.iter_mut().filter(|(id, _)| touched.contains(id)) {
        changes.insert(*id, reservation.shortage_changes());
    }

    stock.save(tx).await?;
    layers.save(tx).await?;
    let touched: Vec<&Reservation> = touched.iter().filter_map(|id| reservations.get(id)).collect();
    Reservation::save(tx, &touched).await?;

    let posted = Posted { document: stock.document(id).cloned(), stock, short };
    posted.tell(tx, action);
    let call = tx.call().clone();
    for id in &posted.short {
        let Some(reservation) = reservations.get(id) else { continue };
        let shop_id = reservation.holder.as_ref().map(|holder| holder.shop_id);
        let event = pb::StockShort { reservation: Some(wire::reservation(reservation)) };
        events::append(tx, reservation.id, reservation.version, shop_id, &event);
    }
    for (id, changes) in &changes {
        if let Some(reservation) = reservations.get(id) {
            tell_shortages::tell(tx, &call, action, reservation, changes);
        }
    }
    Ok(posted)
}

impl Posted {
    /// The levels of `places` after the posting.
    pub fn levels(&self, places: &Places) -> Vec<pb::StockLevel> {
        let asked = |(sku, warehouse_id, condition): &(Sku, WarehouseId, Condition)| {
            self.stock.level(sku, *warehouse_id, *condition).map(wire::stock_level)
        };
        places.iter().filter_map(asked).collect()
    }

    /// The document as the contract writes it.
    pub fn wire_document(&self) -> Option<pb::StockDocument> {
        self.document.as_ref().map(|document| wire::document(document, None))
    }

    /// The ids of the reservations that lost units, newest first.
    pub fn short_ids(&self) -> Vec<String> {
        self.short.iter().map(ReservationId::to_string).collect()
    }

    fn tell(&self, tx: &mut Tx, action: &'static str) {
        let Some(document) = &self.document else { return };
        let audit = Audit::new(action, document.id)
            .set("number", document.number)
            .set("reference", &document.reference)
            .set("note", &document.note);
        let audit = document.shop_id.into_iter().fold(audit, |audit, shop_id| audit.shop(shop_id.uuid()));
        tx.audit(self.stock.changed().fold(audit, |audit, level| {
            let field = format!("on_hand of {}, {}", level.sku, level.condition.text());
            audit.change(&field, level.on_hand - self.stock.posted_on_hand(level), level.on_hand)
        }));
        let event = pb::StockPosted {
            levels: self.stock.changed().map(wire::stock_level).collect(),
            kind: wire::document_posting_kind(document.kind).into(),
            document_id: document.id.to_string(),
        };
        events::append(tx, document.id, 1, document.shop_id, &event);
    }
}

/// The places of SKUs in one warehouse and condition.
pub fn places<'a>(
    skus: impl IntoIterator<Item = &'a Sku>,
    warehouse_id: WarehouseId,
    condition: Condition,
) -> Places {
    skus.into_iter().map(|sku| (sku.clone(), warehouse_id, condition)).collect()
}

/// The places that movements touch.
pub fn places_of(movements: &[Movement]) -> Places {
    movements.iter().map(|one| (one.sku.clone(), one.warehouse_id, one.condition)).collect()
}
