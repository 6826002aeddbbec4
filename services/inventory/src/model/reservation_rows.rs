//! How reservations are read, and locked in one order.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Tx, cached_sql};
use types::{ReservationId, ShopId, Sku, WarehouseId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::{Holder, Line, Reservation, Shipped, Shortage, Split, State, Terms};
use crate::schema::{reservation_lines, reservation_shipments, reservations};

/// A row of `reservations`, in the order of its columns.
pub(crate) type Row = (
    Uuid,
    Option<String>,
    Option<Uuid>,
    String,
    Option<DateTime<Utc>>,
    DateTime<Utc>,
    i64,
    i32,
    String,
    Vec<Uuid>,
    String,
);
type RowColumns = (
    SqlUuid,
    Nullable<Text>,
    Nullable<SqlUuid>,
    Text,
    Nullable<Timestamptz>,
    Timestamptz,
    BigInt,
    Integer,
    Text,
    Array<SqlUuid>,
    Text,
);

/// Reservations that one transaction serves along; a job serves those that wait behind them.
pub const WAITING_MAX: i64 = 5_000;

impl Reservation {
    /// The reservation `id`.
    pub async fn find(connection: &mut AsyncPgConnection, id: ReservationId) -> Result<Option<Self>> {
        Ok(Self::load(connection, &[id]).await?.into_values().next())
    }

    /// Those of `ids` that there are.
    pub async fn load(
        connection: &mut AsyncPgConnection,
        ids: &[ReservationId],
    ) -> Result<BTreeMap<ReservationId, Self>> {
        let rows = reservations::table
            .filter(reservations::reservation_id.eq_any(uuids(ids)))
            .load(connection)
            .await?;
        Ok(by_id(Self::assemble(connection, rows).await?))
    }

    /// Those of `ids` that there are, and the held ones that have waited longest for units of `freed`, all locked at once by
    /// id, so that nobody waits in a circle. The levels must be locked before.
    pub async fn lock(
        tx: &mut Tx,
        ids: &[ReservationId],
        freed: &[&str],
    ) -> Result<BTreeMap<ReservationId, Self>> {
        let rows: Vec<Row> = cached_sql(
            "SELECT reservation_id, owner, shop_id, state, expire_time, create_time, version, revision, author,
                    warehouse_ids, split
             FROM reservations
             WHERE reservation_id IN (
                 SELECT unnest($1)
                 UNION
                 (SELECT reservation_id FROM shortages WHERE state = 'open' AND sku = ANY($2)
                  ORDER BY create_time, shortage_id LIMIT $3)
             )
             ORDER BY reservation_id FOR UPDATE",
        )
        .bind::<Array<SqlUuid>, _>(uuids(ids))
        .bind::<Array<Text>, _>(freed)
        .bind::<BigInt, _>(WAITING_MAX)
        .returns::<RowColumns>()
        .load(tx.conn())
        .await?;
        Ok(by_id(Self::assemble(tx.conn(), rows).await?))
    }

    /// The held ones that have units where some are `lost`, and those that have waited longest for units of `freed`, all
    /// locked at once by id. The levels must be locked before.
    pub async fn lock_affected<'a>(
        tx: &mut Tx,
        lost: impl Iterator<Item = (&'a Sku, WarehouseId)>,
        freed: &[&str],
    ) -> Result<BTreeMap<ReservationId, Self>> {
        let (skus, warehouses): (Vec<&str>, Vec<Uuid>) =
            lost.map(|(sku, warehouse_id)| (sku.as_str(), warehouse_id.uuid())).unzip();
        if skus.is_empty() && freed.is_empty() {
            return Ok(BTreeMap::new());
        }
        let rows: Vec<Row> = cached_sql(
            "SELECT reservation_id, owner, shop_id, state, expire_time, create_time, version, revision, author,
                    warehouse_ids, split
             FROM reservations
             WHERE reservation_id IN (
                 SELECT l.reservation_id
                 FROM unnest($1, $2) AS d (sku, warehouse_id)
                 JOIN reservation_lines l ON l.sku = d.sku AND l.warehouse_id = d.warehouse_id
                 UNION
                 (SELECT reservation_id FROM shortages WHERE state = 'open' AND sku = ANY($3)
                  ORDER BY create_time, shortage_id LIMIT $4)
             ) AND state = 'held'
             ORDER BY reservation_id FOR UPDATE",
        )
        .bind::<Array<Text>, _>(skus)
        .bind::<Array<SqlUuid>, _>(warehouses)
        .bind::<Array<Text>, _>(freed)
        .bind::<BigInt, _>(WAITING_MAX)
        .returns::<RowColumns>()
        .load(tx.conn())
        .await?;
        Ok(by_id(Self::assemble(tx.conn(), rows).await?))
    }

    /// The SKUs that `ids` hold or miss. Only a change of the reservation adds one; who locks it later looks again.
    pub async fn skus(connection: &mut AsyncPgConnection, ids: &[ReservationId]) -> Result<Vec<String>> {
        let rows: Vec<(String,)> = cached_sql(
            "SELECT sku FROM reservation_lines WHERE reservation_id = ANY($1)
             UNION
             SELECT sku FROM shortages WHERE reservation_id = ANY($1) AND state = 'open'",
        )
        .bind::<Array<SqlUuid>, _>(uuids(ids))
        .returns::<(Text,)>()
        .load(connection)
        .await?;
        Ok(rows.into_iter().map(|(sku,)| sku).collect())
    }

    /// The reservations of stored rows with their parts, in the order of the rows.
    pub(crate) async fn assemble(connection: &mut AsyncPgConnection, rows: Vec<Row>) -> Result<Vec<Self>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = rows.iter().map(|row| row.0).collect();
        let lines: Vec<(Uuid, String, Uuid, i64)> = reservation_lines::table
            .filter(reservation_lines::reservation_id.eq_any(&ids))
            .order((reservation_lines::sku, reservation_lines::warehouse_id))
            .load(connection)
            .await?;
        let shipments: Vec<(Uuid, String, String, Uuid, i64)> = reservation_shipments::table
            .filter(reservation_shipments::reservation_id.eq_any(&ids))
            .load(connection)
            .await?;
        let mut shortages = Shortage::open_of(connection, &ids).await?;

        let mut lines_of: BTreeMap<Uuid, Vec<Line>> = BTreeMap::new();
        for (id, sku, warehouse_id, quantity) in lines {
            lines_of.entry(id).or_default().push(line(&sku, warehouse_id, quantity)?);
        }
        let mut shipments_of: BTreeMap<Uuid, Vec<Shipped>> = BTreeMap::new();
        for (id, reference, sku, warehouse_id, quantity) in shipments {
            let line = line(&sku, warehouse_id, quantity)?;
            shipments_of.entry(id).or_default().push(Shipped { reference, line });
        }
        let assembled = rows.into_iter().map(|row| {
            let id = row.0;
            let mut reservation = stored(row)?;
            reservation.lines = lines_of.remove(&id).unwrap_or_default();
            reservation.shipments = shipments_of.remove(&id).unwrap_or_default();
            reservation.shortages = shortages.remove(&id).unwrap_or_default();
            Ok(reservation)
        });
        assembled.collect()
    }
}

pub(super) fn uuids(ids: &[ReservationId]) -> Vec<Uuid> {
    ids.iter().map(ReservationId::uuid).collect()
}

fn by_id(reservations: Vec<Reservation>) -> BTreeMap<ReservationId, Reservation> {
    reservations.into_iter().map(|reservation| (reservation.id, reservation)).collect()
}

fn stored(row: Row) -> Result<Reservation> {
    let (
        id,
        owner,
        shop_id,
        state,
        expire_time,
        create_time,
        version,
        revision,
        author,
        warehouse_ids,
        split,
    ) = row;
    let holder = match (owner, shop_id.map(ShopId::from_uuid)) {
        (Some(owner), Some(shop_id)) => {
            let owner = owner.parse().map_err(|_| Error::corrupt("an owner", &owner))?;
            Some(Holder { owner, shop_id })
        }
        _ => None,
    };
    let warehouse_ids = warehouse_ids.into_iter().map(WarehouseId::from_uuid).collect();
    Ok(Reservation {
        id: ReservationId::from_uuid(id),
        holder,
        state: State::stored(&state)?,
        terms: Terms { warehouse_ids, split: Split::stored(&split)? },
        revision,
        lines: Vec::new(),
        shipments: Vec::new(),
        shortages: Vec::new(),
        expire_time,
        create_time,
        author,
        version,
    })
}

fn line(sku: &str, warehouse_id: Uuid, quantity: i64) -> Result<Line> {
    let sku = sku.parse().map_err(|_| Error::corrupt("a SKU", sku))?;
    Ok(Line { sku, warehouse_id: WarehouseId::from_uuid(warehouse_id), quantity })
}
