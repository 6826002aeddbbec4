//! How held units leave.

use std::collections::BTreeMap;
use std::sync::Arc;

use types::Sku;

use crate::error::{Error, Result};
use crate::model::{
    Cause, Condition, Delta, Document, DocumentKind, Ending, Goods, Kind, Line, Occasion, Reservation,
    Shipment, Shipped, Stock,
};

impl Reservation {
    /// Has held units leave, all or some; answers what left, nothing when the shipment was posted before. Only its own
    /// units can leave.
    pub fn ship(&mut self, shipment: &Shipment, stock: &mut Stock, occasion: &Occasion) -> Result<Vec<Line>> {
        if self.shipments.iter().any(|shipped| shipped.reference == shipment.reference) {
            return Ok(Vec::new());
        }
        let is_held = self.state.after(Ending::Ship, self.id)?.is_some();
        let leaving = match &shipment.goods {
            Goods::All if is_held => self.all_from(shipment),
            Goods::All => Vec::new(),
            Goods::Units(units) => self.picked(units, shipment)?,
        };
        let (Some(holder), false) = (&self.holder, leaving.is_empty()) else { return Ok(Vec::new()) };

        let document = Document {
            reference: shipment.reference.clone(),
            shop_id: Some(holder.shop_id),
            ..Document::new(DocumentKind::Shipment, occasion.actor.clone(), occasion.now)
        };
        let cause = holder.cause(Kind::Shipment, &shipment.reference, occasion.actor.clone());
        let cause = Arc::new(Cause { document_id: Some(document.id), ..cause });
        stock.begin(document);
        for line in &leaving {
            let delta = Delta::shipped(line.quantity);
            stock.post(&line.sku, line.warehouse_id, Condition::Sellable, delta, &cause)?;
            for held in self.lines.iter_mut().filter(|held| held.place() == line.place()) {
                held.quantity -= line.quantity;
            }
            self.shipments.push(Shipped { reference: shipment.reference.clone(), line: line.clone() });
        }
        self.lines.retain(|line| line.quantity > 0);
        self.settle();
        self.version += 1;
        Ok(leaving)
    }

    fn all_from(&self, shipment: &Shipment) -> Vec<Line> {
        let from = |line: &&Line| shipment.warehouse_id.is_none_or(|id| line.warehouse_id == id);
        self.lines.iter().filter(from).cloned().collect()
    }

    /// The lines that make up `units`, or what is held instead.
    fn picked(&self, units: &BTreeMap<Sku, i64>, shipment: &Shipment) -> Result<Vec<Line>> {
        let held = self.all_from(shipment);
        let mut picked = Vec::new();
        for (sku, &wanted) in units {
            let mut missing = wanted;
            for line in held.iter().filter(|line| line.sku == *sku && line.quantity > 0) {
                let quantity = missing.min(line.quantity);
                if quantity > 0 {
                    picked.push(Line { quantity, ..line.clone() });
                    missing -= quantity;
                }
            }
            if missing > 0 {
                let (id, sku, held) = (self.id, sku.clone(), wanted - missing);
                return Err(Error::OverShipment { id, sku, wanted, held });
            }
        }
        Ok(picked)
    }
}
