//! How reservations are stored.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Tx, cached_sql};
use types::{ReservationId, ShopId, Sku, WarehouseId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::{Holder, Line, Reservation, Shortage, State};
use crate::schema::{reservation_lines, reservation_shortages, reservations};

/// A row of `reservations`, in the order of its columns.
pub(crate) type Row = (Uuid, Option<String>, Option<Uuid>, String, Option<DateTime<Utc>>, DateTime<Utc>, i64);

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

    /// Those of `ids` that there are, locked. The levels of their lines must be locked before.
    pub async fn lock(tx: &mut Tx, ids: &[ReservationId]) -> Result<BTreeMap<ReservationId, Self>> {
        let rows = reservations::table
            .filter(reservations::reservation_id.eq_any(uuids(ids)))
            .order(reservations::reservation_id)
            .for_update()
            .load(tx.conn())
            .await?;
        Ok(by_id(Self::assemble(tx.conn(), rows).await?))
    }

    /// Those that hold units of `skus` in a warehouse, locked, newest first. The levels must be locked before.
    pub async fn lock_holding(tx: &mut Tx, warehouse_id: WarehouseId, skus: &[&str]) -> Result<Vec<Self>> {
        if skus.is_empty() {
            return Ok(Vec::new());
        }
        let holding = reservation_lines::table
            .filter(reservation_lines::warehouse_id.eq(warehouse_id.uuid()))
            .filter(reservation_lines::sku.eq_any(skus))
            .select(reservation_lines::reservation_id);
        let rows = reservations::table
            .filter(reservations::reservation_id.eq_any(holding))
            .filter(reservations::state.eq(State::Held.text()))
            .order(reservations::reservation_id)
            .for_update()
            .load(tx.conn())
            .await?;
        let mut found = Self::assemble(tx.conn(), rows).await?;
        found.sort_by_key(|reservation| std::cmp::Reverse((reservation.create_time, reservation.id)));
        Ok(found)
    }

    /// The SKUs in the lines of `ids`. Lines are never added, so it may be asked before anything is locked.
    pub async fn skus(connection: &mut AsyncPgConnection, ids: &[ReservationId]) -> Result<Vec<String>> {
        let lines = reservation_lines::table.filter(reservation_lines::reservation_id.eq_any(uuids(ids)));
        Ok(lines.select(reservation_lines::sku).distinct().load(connection).await?)
    }

    /// The reservations of stored rows with their lines and shortages, in the order of the rows.
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
        let shortages: Vec<(Uuid, String, i64, i64)> = reservation_shortages::table
            .filter(reservation_shortages::reservation_id.eq_any(&ids))
            .order(reservation_shortages::sku)
            .load(connection)
            .await?;

        let mut lines_of: BTreeMap<Uuid, Vec<Line>> = BTreeMap::new();
        for (id, sku, warehouse_id, quantity) in lines {
            let line =
                Line { sku: stored_sku(&sku)?, warehouse_id: WarehouseId::from_uuid(warehouse_id), quantity };
            lines_of.entry(id).or_default().push(line);
        }
        let mut shortages_of: BTreeMap<Uuid, Vec<Shortage>> = BTreeMap::new();
        for (id, sku, wanted, available) in shortages {
            shortages_of.entry(id).or_default().push(Shortage { sku: stored_sku(&sku)?, wanted, available });
        }
        let assembled = rows.into_iter().map(|row| {
            let (lines, shortages) = (lines_of.remove(&row.0), shortages_of.remove(&row.0));
            stored(row, lines.unwrap_or_default(), shortages.unwrap_or_default())
        });
        assembled.collect()
    }

    /// Stores new reservations; an id that exists is an error of the database.
    pub async fn insert(tx: &mut Tx, new: &[&Self]) -> Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        let owner = |reservation: &&Self| reservation.holder.as_ref().map(|holder| holder.owner.to_string());
        let shop_id = |reservation: &&Self| reservation.holder.as_ref().map(|holder| holder.shop_id.uuid());
        cached_sql(
            "INSERT INTO reservations (reservation_id, owner, shop_id, state, expire_time, create_time, version)
             SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind::<Array<SqlUuid>, _>(new.iter().map(|reservation| reservation.id.uuid()).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(new.iter().map(owner).collect::<Vec<_>>())
        .bind::<Array<Nullable<SqlUuid>>, _>(new.iter().map(shop_id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(new.iter().map(|reservation| reservation.state.text()).collect::<Vec<_>>())
        .bind::<Array<Nullable<Timestamptz>>, _>(new.iter().map(|reservation| reservation.expire_time).collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(new.iter().map(|reservation| reservation.create_time).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(new.iter().map(|reservation| reservation.version).collect::<Vec<_>>())
        .execute(tx.conn())
        .await?;
        Self::insert_parts(tx, new).await
    }

    /// Stores new states.
    pub async fn save_states(tx: &mut Tx, changed: &[&Self]) -> Result<()> {
        if changed.is_empty() {
            return Ok(());
        }
        cached_sql(
            "UPDATE reservations AS r SET state = n.state, version = n.version
             FROM unnest($1, $2, $3) AS n (reservation_id, state, version) WHERE r.reservation_id = n.reservation_id",
        )
        .bind::<Array<SqlUuid>, _>(changed.iter().map(|reservation| reservation.id.uuid()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(changed.iter().map(|reservation| reservation.state.text()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(changed.iter().map(|reservation| reservation.version).collect::<Vec<_>>())
        .execute(tx.conn())
        .await?;
        Ok(())
    }

    /// Stores what is left of reservations that lost units.
    pub async fn save_losses(tx: &mut Tx, short: &[&Self]) -> Result<()> {
        if short.is_empty() {
            return Ok(());
        }
        cached_sql(
            "WITH unlined AS (DELETE FROM reservation_lines WHERE reservation_id = ANY($1))
             DELETE FROM reservation_shortages WHERE reservation_id = ANY($1)",
        )
        .bind::<Array<SqlUuid>, _>(short.iter().map(|reservation| reservation.id.uuid()).collect::<Vec<_>>())
        .execute(tx.conn())
        .await?;
        Self::insert_parts(tx, short).await?;
        Self::save_states(tx, short).await
    }

    async fn insert_parts(tx: &mut Tx, of: &[&Self]) -> Result<()> {
        let lines: Vec<(Uuid, &Line)> = parts(of, |reservation| &reservation.lines);
        let shortages: Vec<(Uuid, &Shortage)> = parts(of, |reservation| &reservation.shortages);
        cached_sql(
            "WITH lined AS (
                INSERT INTO reservation_lines (reservation_id, sku, warehouse_id, quantity)
                SELECT * FROM unnest($1, $2, $3, $4)
             )
             INSERT INTO reservation_shortages (reservation_id, sku, wanted, available)
             SELECT * FROM unnest($5, $6, $7, $8)",
        )
        .bind::<Array<SqlUuid>, _>(lines.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(lines.iter().map(|(_, line)| line.sku.as_str()).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(lines.iter().map(|(_, line)| line.warehouse_id.uuid()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(lines.iter().map(|(_, line)| line.quantity).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(shortages.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(
            shortages.iter().map(|(_, shortage)| shortage.sku.as_str()).collect::<Vec<_>>(),
        )
        .bind::<Array<BigInt>, _>(shortages.iter().map(|(_, shortage)| shortage.wanted).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(
            shortages.iter().map(|(_, shortage)| shortage.available).collect::<Vec<_>>(),
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}

/// The parts of many reservations, each with the id of its own.
fn parts<'a, T>(of: &[&'a Reservation], part: impl Fn(&'a Reservation) -> &'a [T]) -> Vec<(Uuid, &'a T)> {
    of.iter()
        .flat_map(|reservation| part(reservation).iter().map(|one| (reservation.id.uuid(), one)))
        .collect()
}

fn uuids(ids: &[ReservationId]) -> Vec<Uuid> {
    ids.iter().map(ReservationId::uuid).collect()
}

fn by_id(reservations: Vec<Reservation>) -> BTreeMap<ReservationId, Reservation> {
    reservations.into_iter().map(|reservation| (reservation.id, reservation)).collect()
}

fn stored(row: Row, lines: Vec<Line>, shortages: Vec<Shortage>) -> Result<Reservation> {
    let (id, owner, shop_id, state, expire_time, create_time, version) = row;
    let holder = match (owner, shop_id.map(ShopId::from_uuid)) {
        (Some(owner), Some(shop_id)) => {
            let owner = owner.parse().map_err(|_| Error::corrupt("an owner", &owner))?;
            Some(Holder { owner, shop_id })
        }
        _ => None,
    };
    let (id, state) = (ReservationId::from_uuid(id), State::stored(&state)?);
    Ok(Reservation { id, holder, state, lines, shortages, expire_time, create_time, version })
}

fn stored_sku(sku: &str) -> Result<Sku> {
    sku.parse().map_err(|_| Error::corrupt("a SKU", sku))
}
