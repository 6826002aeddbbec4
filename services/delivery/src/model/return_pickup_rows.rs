//! Returns that are fetched, in their table.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use store::{Error as StoreError, Tx};
use types::{DeliveryMethodId, ReturnId, ShopId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::address::Recipient;
use crate::model::return_pickup::ReturnPickup;
use crate::model::schedule::SlotTime;
use crate::schema::return_pickups as rows;

/// A row of `return_pickups`.
#[derive(Queryable, Selectable)]
#[diesel(table_name = rows)]
pub struct ReturnPickupRow {
    return_id: Uuid,
    shop_id: Uuid,
    delivery_method_id: Uuid,
    start_time: DateTime<Utc>,
    end_time: DateTime<Utc>,
    address: Value,
    contact_name: String,
    contact_phone: String,
    cancelled: bool,
    create_time: DateTime<Utc>,
}

impl ReturnPickupRow {
    /// What the keyset of a list is made of.
    pub fn key(&self) -> (DateTime<Utc>, Uuid) {
        (self.start_time, self.return_id)
    }

    /// The return.
    pub fn read(self) -> Result<ReturnPickup> {
        let address = serde_json::from_value(self.address);
        Ok(ReturnPickup {
            return_id: ReturnId::from_uuid(self.return_id),
            shop_id: ShopId::from_uuid(self.shop_id),
            method_id: DeliveryMethodId::from_uuid(self.delivery_method_id),
            slot: SlotTime { start: self.start_time, end: self.end_time },
            address: address.map_err(|error| StoreError::Corrupt(error.to_string()))?,
            contact: Recipient { name: self.contact_name, phone: self.contact_phone },
            cancelled: self.cancelled,
            create_time: self.create_time,
        })
    }
}

/// The return, which nobody else changes until the transaction ends.
pub async fn lock(tx: &mut Tx, id: ReturnId) -> Result<Option<ReturnPickup>> {
    let found = rows::table.find(id.uuid()).select(ReturnPickupRow::as_select()).for_update();
    let found: Option<ReturnPickupRow> = found.first(tx.conn()).await.optional()?;
    found.map(ReturnPickupRow::read).transpose()
}

/// Adds a return unless it is there; waits for a concurrent one to be committed or rolled back.
pub async fn insert(tx: &mut Tx, pickup: &ReturnPickup) -> Result<bool> {
    let inserted = diesel::insert_into(rows::table)
        .values((
            rows::return_id.eq(pickup.return_id.uuid()),
            rows::create_time.eq(pickup.create_time),
            values(pickup)?,
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn())
        .await?;
    Ok(inserted == 1)
}

/// Saves what may change.
pub async fn update(tx: &mut Tx, pickup: &ReturnPickup) -> Result<()> {
    diesel::update(rows::table.find(pickup.return_id.uuid())).set(values(pickup)?).execute(tx.conn()).await?;
    Ok(())
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = rows)]
struct Values<'a> {
    shop_id: Uuid,
    delivery_method_id: Uuid,
    start_time: DateTime<Utc>,
    end_time: DateTime<Utc>,
    address: Value,
    contact_name: &'a str,
    contact_phone: &'a str,
    cancelled: bool,
}

fn values(pickup: &ReturnPickup) -> Result<Values<'_>> {
    let address = serde_json::to_value(&pickup.address);
    Ok(Values {
        shop_id: pickup.shop_id.uuid(),
        delivery_method_id: pickup.method_id.uuid(),
        start_time: pickup.slot.start,
        end_time: pickup.slot.end,
        address: address.map_err(|error| StoreError::Corrupt(error.to_string()))?,
        contact_name: &pickup.contact.name,
        contact_phone: &pickup.contact.phone,
        cancelled: pickup.cancelled,
    })
}
