//! How shortages are stored.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Tx, cached_sql};
use types::{ReservationId, ShortageId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::{Holder, Reservation, Shortage, ShortageState};
use crate::schema::shortages;

/// A row of `shortages`, in the order of its columns.
pub(crate) type ShortageRow = (
    Uuid,
    Uuid,
    String,
    Uuid,
    String,
    i64,
    String,
    String,
    DateTime<Utc>,
    DateTime<Utc>,
    Option<DateTime<Utc>>,
    i64,
);
type ShortageColumns = (
    SqlUuid,
    SqlUuid,
    Text,
    SqlUuid,
    Text,
    BigInt,
    Text,
    Text,
    Timestamptz,
    Timestamptz,
    Nullable<Timestamptz>,
    BigInt,
);

impl Shortage {
    /// The open ones of reservations, by SKU.
    pub(super) async fn open_of(
        connection: &mut AsyncPgConnection,
        reservation_ids: &[Uuid],
    ) -> Result<BTreeMap<Uuid, Vec<Self>>> {
        let rows: Vec<ShortageRow> = cached_sql(
            "SELECT shortage_id, reservation_id, owner, shop_id, sku, missing, state, assignee, due_time, create_time,
                    end_time, version
             FROM shortages WHERE reservation_id = ANY($1) AND state = 'open' ORDER BY sku",
        )
        .bind::<Array<SqlUuid>, _>(reservation_ids)
        .returns::<ShortageColumns>()
        .load(connection)
        .await?;
        let mut found: BTreeMap<Uuid, Vec<Self>> = BTreeMap::new();
        for row in rows {
            let (reservation_id, shortage) = Self::stored(row)?;
            found.entry(reservation_id.uuid()).or_default().push(shortage);
        }
        Ok(found)
    }

    /// The shortage `id` and the reservation that it is of.
    pub async fn find(
        connection: &mut AsyncPgConnection,
        id: ShortageId,
    ) -> Result<Option<(ReservationId, Self)>> {
        let row: Option<ShortageRow> = shortages::table.find(id.uuid()).first(connection).await.optional()?;
        row.map(Self::stored).transpose()
    }

    /// Stores those of reservations.
    pub(super) async fn save_of(tx: &Tx, reservations: &[&Reservation]) -> Result<()> {
        let all: Vec<(&Reservation, &Holder, &Self)> = reservations
            .iter()
            .filter_map(|one| Some((*one, one.holder.as_ref()?)))
            .flat_map(|(one, holder)| one.shortages.iter().map(move |shortage| (one, holder, shortage)))
            .collect();
        if all.is_empty() {
            return Ok(());
        }
        cached_sql(
            "INSERT INTO shortages (shortage_id, reservation_id, owner, shop_id, sku, missing, state, assignee, due_time,
                                    create_time, end_time, version)
             SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
             ON CONFLICT (shortage_id) DO UPDATE
             SET missing = excluded.missing, state = excluded.state, assignee = excluded.assignee,
                 due_time = excluded.due_time, end_time = excluded.end_time, version = excluded.version",
        )
        .bind::<Array<SqlUuid>, _>(all.iter().map(|(_, _, one)| one.id.uuid()).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(all.iter().map(|(of, _, _)| of.id.uuid()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(all.iter().map(|(_, holder, _)| holder.owner.to_string()).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(
            all.iter().map(|(_, holder, _)| holder.shop_id.uuid()).collect::<Vec<_>>(),
        )
        .bind::<Array<Text>, _>(all.iter().map(|(_, _, one)| one.sku.as_str()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(all.iter().map(|(_, _, one)| one.missing).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(all.iter().map(|(_, _, one)| one.state.text()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(all.iter().map(|(_, _, one)| one.assignee.as_str()).collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(all.iter().map(|(_, _, one)| one.due_time).collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(all.iter().map(|(_, _, one)| one.create_time).collect::<Vec<_>>())
        .bind::<Array<Nullable<Timestamptz>>, _>(
            all.iter().map(|(_, _, one)| one.end_time).collect::<Vec<_>>(),
        )
        .bind::<Array<BigInt>, _>(all.iter().map(|(_, _, one)| one.version).collect::<Vec<_>>())
        .execute(&mut tx.shared())
        .await?;
        Ok(())
    }

    /// The shortage of a stored row, and the reservation that it is of.
    pub(crate) fn stored(row: ShortageRow) -> Result<(ReservationId, Self)> {
        let (
            id,
            reservation_id,
            _,
            _,
            sku,
            missing,
            state,
            assignee,
            due_time,
            create_time,
            end_time,
            version,
        ) = row;
        let shortage = Self {
            id: ShortageId::from_uuid(id),
            sku: sku.parse().map_err(|_| Error::corrupt("a SKU", &sku))?,
            missing,
            state: ShortageState::stored(&state)?,
            assignee,
            due_time,
            create_time,
            end_time,
            version,
            told: missing,
        };
        Ok((ReservationId::from_uuid(reservation_id), shortage))
    }
}
