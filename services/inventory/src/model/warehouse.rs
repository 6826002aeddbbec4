//! Places where goods lie.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use types::WarehouseId;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::schema::warehouses;

/// A place where goods lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warehouse {
    /// Its id.
    pub id: WarehouseId,
    /// What people call it.
    pub name: String,
    /// Takes no new reservations.
    pub archived: bool,
    /// When it was added.
    pub create_time: DateTime<Utc>,
}

/// All warehouses, oldest first: the order in which stock is taken when nobody says otherwise.
#[derive(Debug, Clone, Default)]
pub struct Warehouses(Vec<(WarehouseId, Activity)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Activity {
    Active,
    Archived,
}

impl Warehouse {
    /// The warehouse of a stored row.
    pub(crate) fn stored((id, name, archived, create_time): (Uuid, String, bool, DateTime<Utc>)) -> Self {
        Self { id: WarehouseId::from_uuid(id), name, archived, create_time }
    }

    /// Refuses an id that no warehouse has.
    pub async fn require(connection: &mut AsyncPgConnection, id: WarehouseId) -> Result<()> {
        let found = diesel::select(diesel::dsl::exists(warehouses::table.find(id.uuid())));
        if found.get_result(connection).await? { Ok(()) } else { Err(Error::WarehouseNotFound { id }) }
    }
}

impl Warehouses {
    /// These warehouses, oldest first.
    pub fn of<'a>(warehouses: impl IntoIterator<Item = &'a Warehouse>) -> Self {
        Self(
            warehouses
                .into_iter()
                .map(|warehouse| (warehouse.id, Activity::of(warehouse.archived)))
                .collect(),
        )
    }

    /// All of them.
    pub async fn load(connection: &AsyncPgConnection) -> Result<Self> {
        let rows: Vec<(Uuid, bool)> = warehouses::table
            .select((warehouses::warehouse_id, warehouses::archived))
            .order((warehouses::create_time, warehouses::warehouse_id))
            .load(&mut &*connection)
            .await?;
        let known =
            rows.into_iter().map(|(id, archived)| (WarehouseId::from_uuid(id), Activity::of(archived)));
        Ok(Self(known.collect()))
    }

    /// Whether new units may be taken from it.
    pub fn is_open(&self, id: WarehouseId) -> bool {
        self.0.iter().any(|(known, activity)| *known == id && activity.is_open())
    }

    /// Every one that is open, oldest first.
    pub fn open(&self) -> impl Iterator<Item = WarehouseId> {
        self.0.iter().filter(|(_, activity)| activity.is_open()).map(|(id, _)| *id)
    }

    /// Where stock may be taken from, in this order: the `named` ones, or every one when none is named.
    pub fn candidates(&self, named: &[WarehouseId]) -> Result<Vec<WarehouseId>> {
        if named.is_empty() {
            return Ok(self.open().collect());
        }
        let mut candidates = Vec::with_capacity(named.len());
        for id in named {
            let known = self.0.iter().find(|(known, _)| known == id);
            let (_, activity) = known.ok_or(Error::WarehouseNotFound { id: *id })?;
            if activity.is_open() {
                candidates.push(*id);
            }
        }
        Ok(candidates)
    }
}

impl Activity {
    fn of(archived: bool) -> Self {
        if archived { Self::Archived } else { Self::Active }
    }

    fn is_open(self) -> bool {
        self == Self::Active
    }
}
