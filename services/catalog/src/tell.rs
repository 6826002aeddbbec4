//! Tells what changed: one event and one row of history per changed thing.

use proto::catalog::v1 as pb;
use serde_json::Value;
use store::{Audit, Tx};

use crate::model::{
    Brand, Category, ChangedPrice, Changes, Characteristic, Edit, ImportMapping, Price, PriceList,
};
use crate::wire;

/// A product was added or changed.
pub(crate) fn product(tx: &mut Tx, action: &'static str, edit: &Edit) {
    let (changes, product) = (edit.changes(), &edit.new);
    let event = pb::ProductChanged { product: Some(wire::product(product)), changed_fields: changes.names() };
    events::append(tx, product.id, product.version, None, &event);
    tx.audit(changes.into_audit(Audit::new(action, product.id)));
}

/// A category was added or changed.
pub(crate) fn category(tx: &mut Tx, action: &'static str, category: &Category, changes: Changes) {
    let event =
        pb::CategoryChanged { category: Some(wire::category(category)), changed_fields: changes.names() };
    events::append(tx, category.id, category.version, None, &event);
    tx.audit(changes.into_audit(Audit::new(action, category.id)));
}

/// A price list was added or changed.
pub(crate) fn price_list(tx: &mut Tx, action: &'static str, list: &PriceList, changes: Changes) {
    let event =
        pb::PriceListChanged { price_list: Some(wire::price_list(list)), changed_fields: changes.names() };
    events::append(tx, list.id, list.version, None, &event);
    tx.audit(changes.into_audit(Audit::new(action, list.id)));
}

/// A brand was added or changed.
pub(crate) fn brand(tx: &mut Tx, action: &'static str, brand: &Brand, changes: Changes) {
    let event = pb::BrandChanged { brand: Some(wire::brand(brand)), changed_fields: changes.names() };
    events::append(tx, brand.id, brand.version, None, &event);
    tx.audit(changes.into_audit(Audit::new(action, brand.id)));
}

/// The definition of a characteristic was added or changed.
pub(crate) fn characteristic(
    tx: &mut Tx,
    action: &'static str,
    definition: &Characteristic,
    changes: Changes,
) {
    let event = pb::CharacteristicChanged {
        characteristic: Some(wire::characteristic(definition)),
        changed_fields: changes.names(),
    };
    let id = format!("characteristic/{}", definition.details.code);
    events::append(tx, id.clone(), definition.version, None, &event);
    tx.audit(changes.into_audit(Audit::new(action, id)));
}

/// A way to read spreadsheets was added or changed.
pub(crate) fn import_mapping(tx: &mut Tx, action: &'static str, mapping: &ImportMapping, changes: Changes) {
    let event = pb::ImportMappingChanged {
        import_mapping: Some(wire::import_mapping(mapping)),
        changed_fields: changes.names(),
    };
    events::append(tx, mapping.id, mapping.version, None, &event);
    tx.audit(changes.into_audit(Audit::new(action, mapping.id)));
}

/// Prices of a list changed: an event for each, and one row of the list's history for all.
pub(crate) fn prices(tx: &mut Tx, action: &'static str, list: &PriceList, changed: &[ChangedPrice]) {
    let mut changes = Changes::default();
    for price in changed {
        let event = wire::price_changed(list.id, price);
        events::append(tx, format!("{}/{}", list.id, price.sku), price.new.version, None, &event);
        let old = price.old.map_or(Value::Null, |old| Value::String(text(old)));
        changes.note(format!("prices[{}]", price.sku), old, Value::String(text(price.new)));
    }
    tx.audit(changes.into_audit(Audit::new(action, list.id)));
}

fn text(price: Price) -> String {
    let mut text = price.amount.amount();
    if let Some(old_amount) = price.old_amount {
        text += &format!(" (was {})", old_amount.amount());
    }
    if let Some(promo) = price.promo {
        text += &format!(", {} from {} until {}", promo.amount.amount(), promo.from, promo.until);
    }
    text
}
