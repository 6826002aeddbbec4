//! How reservations are written: many in one statement.

use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use store::{Tx, cached_sql};
use uuid::Uuid;

use crate::error::Result;
use crate::model::reservation_rows::uuids;
use crate::model::{Line, Reservation, Shipped, Shortage, State};

impl Reservation {
    /// Stores new reservations; an id that exists is an error of the database.
    pub async fn insert(tx: &Tx, new: &[&Self]) -> Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        let owner = |reservation: &&Self| reservation.holder.as_ref().map(|holder| holder.owner.to_string());
        let shop_id = |reservation: &&Self| reservation.holder.as_ref().map(|holder| holder.shop_id.uuid());
        let lines: Vec<(Uuid, &Line)> = parts(new, |reservation| &reservation.lines);
        cached_sql(
            "WITH reserved AS (
                INSERT INTO reservations (reservation_id, owner, shop_id, state, expire_time, create_time, version, author,
                                          split, warehouse_ids)
                SELECT r.reservation_id, r.owner, r.shop_id, r.state, r.expire_time, r.create_time, r.version, r.author,
                       r.split, r.warehouse_ids::uuid[]
                FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                     AS r (reservation_id, owner, shop_id, state, expire_time, create_time, version, author, split,
                           warehouse_ids)
             )
             INSERT INTO reservation_lines (reservation_id, sku, warehouse_id, quantity)
             SELECT * FROM unnest($11, $12, $13, $14)",
        )
        .bind::<Array<SqlUuid>, _>(new.iter().map(|reservation| reservation.id.uuid()).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(new.iter().map(owner).collect::<Vec<_>>())
        .bind::<Array<Nullable<SqlUuid>>, _>(new.iter().map(shop_id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(new.iter().map(|reservation| reservation.state.text()).collect::<Vec<_>>())
        .bind::<Array<Nullable<Timestamptz>>, _>(
            new.iter().map(|reservation| reservation.expire_time).collect::<Vec<_>>(),
        )
        .bind::<Array<Timestamptz>, _>(
            new.iter().map(|reservation| reservation.create_time).collect::<Vec<_>>(),
        )
        .bind::<Array<BigInt>, _>(new.iter().map(|reservation| reservation.version).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(new.iter().map(|reservation| reservation.author.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(
            new.iter().map(|reservation| reservation.terms.split.text()).collect::<Vec<_>>(),
        )
        .bind::<Array<Text>, _>(new.iter().map(|reservation| warehouse_ids(reservation)).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(lines.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(lines.iter().map(|(_, line)| line.sku.as_str()).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(lines.iter().map(|(_, line)| line.warehouse_id.uuid()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(lines.iter().map(|(_, line)| line.quantity).collect::<Vec<_>>())
        .execute(&mut tx.shared())
        .await?;
        Shortage::save_of(tx, new).await
    }

    /// Stores what became of reservations. The lines of one that was given back stay: they say what was held at the end.
    pub async fn save(tx: &mut Tx, changed: &[&Self]) -> Result<()> {
        if changed.is_empty() {
            return Ok(());
        }
        let live: Vec<&Self> = changed
            .iter()
            .copied()
            .filter(|reservation| matches!(reservation.state, State::Held | State::Shipped))
            .collect();
        if !live.is_empty() {
            cached_sql("DELETE FROM reservation_lines WHERE reservation_id = ANY($1)")
                .bind::<Array<SqlUuid>, _>(uuids(&live.iter().map(|one| one.id).collect::<Vec<_>>()))
                .execute(tx.conn())
                .await?;
        }
        let lines: Vec<(Uuid, &Line)> = parts(&live, |reservation| &reservation.lines);
        let shipments: Vec<(Uuid, &Shipped)> = parts(&live, |reservation| &reservation.shipments);
        cached_sql(
            "WITH lined AS (
                INSERT INTO reservation_lines (reservation_id, sku, warehouse_id, quantity)
                SELECT * FROM unnest($7, $8, $9, $10)
             ), shipped AS (
                INSERT INTO reservation_shipments (reservation_id, reference, sku, warehouse_id, quantity)
                SELECT * FROM unnest($11, $12, $13, $14, $15) ON CONFLICT DO NOTHING
             )
             UPDATE reservations AS r
             SET state = n.state, version = n.version, revision = n.revision, split = n.split,
                 warehouse_ids = n.warehouse_ids::uuid[]
             FROM unnest($1, $2, $3, $4, $5, $6) AS n (reservation_id, state, version, revision, split, warehouse_ids)
             WHERE r.reservation_id = n.reservation_id",
        )
        .bind::<Array<SqlUuid>, _>(changed.iter().map(|one| one.id.uuid()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(changed.iter().map(|one| one.state.text()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(changed.iter().map(|one| one.version).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(changed.iter().map(|one| one.revision).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(changed.iter().map(|one| one.terms.split.text()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(changed.iter().map(|one| warehouse_ids(one)).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(lines.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(lines.iter().map(|(_, line)| line.sku.as_str()).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(lines.iter().map(|(_, line)| line.warehouse_id.uuid()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(lines.iter().map(|(_, line)| line.quantity).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(shipments.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(shipments.iter().map(|(_, one)| one.reference.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(shipments.iter().map(|(_, one)| one.line.sku.as_str()).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(
            shipments.iter().map(|(_, one)| one.line.warehouse_id.uuid()).collect::<Vec<_>>(),
        )
        .bind::<Array<BigInt>, _>(shipments.iter().map(|(_, one)| one.line.quantity).collect::<Vec<_>>())
        .execute(tx.conn())
        .await?;
        Shortage::save_of(tx, changed).await
    }
}

/// A list inside a list has no array type: it travels as text.
fn warehouse_ids(reservation: &Reservation) -> String {
    let ids: Vec<String> = reservation.terms.warehouse_ids.iter().map(|id| id.uuid().to_string()).collect();
    format!("{{{}}}", ids.join(","))
}

/// The parts of many reservations, each with the id of its own.
fn parts<'a, T>(of: &[&'a Reservation], part: impl Fn(&'a Reservation) -> &'a [T]) -> Vec<(Uuid, &'a T)> {
    of.iter()
        .flat_map(|reservation| part(reservation).iter().map(|one| (reservation.id.uuid(), one)))
        .collect()
}
