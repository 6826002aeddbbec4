//! Writes what changed about orders that were placed; new ones are written by the batches.

use diesel::ExpressionMethods;
use diesel::QueryDsl;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use store::{Result, Tx, cached_sql};
use types::Money;
use uuid::Uuid;

use crate::model::adjustment;
use crate::model::buyer::{phone_key, words};
use crate::model::fulfilment_rows;
use crate::model::order::{Deadlines, Order, Progress};
use crate::model::order_line::{OrderLine, UnitPrice};
use crate::model::order_rows::components;
use crate::model::order_state::OrderState;
use crate::schema::orders;

impl Order {
    /// Writes what may change after the order was placed; it was locked in this transaction.
    pub async fn save(&self, tx: &mut Tx) -> Result<()> {
        diesel::update(orders::table.find(self.order_id.uuid()))
            .set((
                orders::state.eq(self.state.name()),
                orders::status.eq(&self.status),
                orders::customer_id.eq(self.customer_id.map(Uuid::from)),
                orders::customer_wanted.eq(self.customer_wanted),
                orders::goods_total.eq(self.goods_total.minor()),
                orders::delivery_total.eq(self.delivery_total.minor()),
                orders::total.eq(self.total.minor()),
                orders::delivery_method_id
                    .eq(self.delivery.as_ref().map(|delivery| delivery.method_id.uuid())),
                orders::delivery_method_name
                    .eq(self.delivery.as_ref().map_or("", |delivery| delivery.method_name.as_str())),
                orders::reservation_id.eq(self.reservation_id.map(Uuid::from)),
                orders::payment_id.eq(self.payment_id.map(Uuid::from)),
                orders::delivery_plan_id.eq(self.delivery_plan_id.map(Uuid::from)),
                orders::paid.eq(self.paid.minor()),
                orders::refunded.eq(self.refunded.minor()),
                orders::cancel_reason.eq(self.cancel_reason.map_or("", |reason| reason.as_str())),
                orders::shortages.eq(self.shortages.as_ref().map(|items| serde_json::json!(items))),
                orders::shipment_ids.eq(self.shipment_ids.iter().map(|id| id.uuid()).collect::<Vec<_>>()),
                orders::cancelling.eq(self.cancelling),
                orders::version.eq(self.version),
                orders::update_time.eq(self.update_time),
            ))
            .execute(tx.conn())
            .await?;
        self.save_quantities(tx).await?;
        self.save_progress(tx).await?;
        fulfilment_rows::save(tx, self.order_id, &self.fulfilments).await
    }

    /// Nothing is written for an order that was placed and moved in the usual way.
    async fn save_progress(&self, tx: &mut Tx) -> Result<()> {
        if self.progress == Progress::default() && self.payments.is_empty() && self.returned_total.is_zero() {
            return Ok(());
        }
        cached_sql(
            "INSERT INTO order_progress (order_id, payments, returned_total, ordinals, lines_made, reservation_revision,
                                         reservation_version, editing)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (order_id) DO UPDATE
             SET payments = excluded.payments, returned_total = excluded.returned_total, ordinals = excluded.ordinals,
                 lines_made = excluded.lines_made, reservation_revision = excluded.reservation_revision,
                 reservation_version = excluded.reservation_version, editing = excluded.editing",
        )
        .bind::<SqlUuid, _>(self.order_id.uuid())
        .bind::<Jsonb, _>(serde_json::json!(self.payments))
        .bind::<BigInt, _>(self.returned_total.minor())
        .bind::<Integer, _>(self.progress.ordinals)
        .bind::<Integer, _>(self.progress.lines_made)
        .bind::<Integer, _>(self.progress.reservation_revision)
        .bind::<BigInt, _>(self.progress.reservation_version)
        .bind::<Nullable<SqlUuid>, _>(self.progress.editing)
        .execute(tx.conn())
        .await?;
        Ok(())
    }

    /// The same, when there is or was anything of the kind.
    pub async fn save_terms_if_any(&self, tx: &mut Tx) -> Result<()> {
        let (known,): (bool,) = cached_sql("SELECT EXISTS (SELECT FROM order_terms WHERE order_id = $1)")
            .bind::<SqlUuid, _>(self.order_id.uuid())
            .returns::<(Bool,)>()
            .get_result(tx.conn())
            .await?;
        let fixed = self.delivery.as_ref().is_some_and(|delivery| delivery.price_fixed);
        if known || fixed || self.deadlines != Deadlines::default() {
            self.save_terms(tx).await?;
        }
        Ok(())
    }

    /// Writes what was agreed beyond the usual, and ends the deadlines of an order that is past them.
    pub async fn save_terms(&self, tx: &mut Tx) -> Result<()> {
        let waits = matches!(self.state, OrderState::New | OrderState::Approval);
        let stays = waits || self.state == OrderState::Assembling;
        cached_sql(
            "INSERT INTO order_terms AS terms (order_id, pay_by_time, pay_by_look_time, ship_by_time, ship_by_due_time,
                                               delivery_price_fixed)
             VALUES ($1, $2, $2, $3, $4, $5)
             ON CONFLICT (order_id) DO UPDATE
             SET ship_by_time = excluded.ship_by_time, ship_by_due_time = excluded.ship_by_due_time,
                 delivery_price_fixed = excluded.delivery_price_fixed,
                 pay_by_look_time = CASE WHEN $6 THEN terms.pay_by_look_time END",
        )
        .bind::<SqlUuid, _>(self.order_id.uuid())
        .bind::<Nullable<Timestamptz>, _>(self.deadlines.pay_by)
        .bind::<Nullable<Timestamptz>, _>(self.deadlines.ship_by)
        .bind::<Nullable<Timestamptz>, _>(self.deadlines.ship_by.filter(|_| stays))
        .bind::<Bool, _>(self.delivery.as_ref().is_some_and(|delivery| delivery.price_fixed))
        .bind::<Bool, _>(waits && self.paid.is_zero())
        .execute(tx.conn())
        .await?;
        Ok(())
    }

    /// Writes the lines of an edited order: new ones, changed ones, and none that was removed.
    pub async fn save_lines(&self, tx: &mut Tx) -> Result<()> {
        let column = |pick: fn(&OrderLine) -> i32| self.lines.iter().map(pick).collect::<Vec<_>>();
        cached_sql("DELETE FROM order_lines WHERE order_id = $1 AND position <> ALL($2)")
            .bind::<SqlUuid, _>(self.order_id.uuid())
            .bind::<Array<Integer>, _>(column(|line| line.position))
            .execute(tx.conn())
            .await?;
        cached_sql(
            "INSERT INTO order_lines (order_id, position, sku, variant_id, name, kind, ordered, unit_price, price_fixed,
                                      price_quantity, total, tax_category, components, weight_grams, reserved, adjustments)
             SELECT $1, new.* FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
                  AS new (position, sku, variant_id, name, kind, ordered, unit_price, price_fixed, price_quantity, total,
                          tax_category, components, weight_grams, reserved, adjustments)
             ON CONFLICT (order_id, position) DO UPDATE
             SET ordered = excluded.ordered, total = excluded.total, reserved = excluded.reserved,
                 adjustments = excluded.adjustments",
        )
        .bind::<SqlUuid, _>(self.order_id.uuid())
        .bind::<Array<Integer>, _>(column(|line| line.position))
        .bind::<Array<Text>, _>(self.lines.iter().map(|line| line.sku.as_str()).collect::<Vec<_>>())
        .bind::<Array<Nullable<SqlUuid>>, _>(
            self.lines.iter().map(|line| line.variant_id.map(Uuid::from)).collect::<Vec<_>>(),
        )
        .bind::<Array<Text>, _>(self.lines.iter().map(|line| line.name.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(self.lines.iter().map(|line| line.kind.name()).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(column(|line| line.ordered))
        .bind::<Array<Nullable<BigInt>>, _>(
            self.lines.iter().map(|line| line.unit_price.money().map(Money::minor)).collect::<Vec<_>>(),
        )
        .bind::<Array<Bool>, _>(
            self.lines.iter().map(|line| matches!(line.unit_price, UnitPrice::Fixed(_))).collect::<Vec<_>>(),
        )
        .bind::<Array<Integer>, _>(column(|line| line.price_quantity))
        .bind::<Array<BigInt>, _>(self.lines.iter().map(|line| line.total.minor()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(self.lines.iter().map(|line| line.tax_category.as_str()).collect::<Vec<_>>())
        .bind::<Array<Nullable<Jsonb>>, _>(self.lines.iter().map(components).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(column(|line| line.weight_grams))
        .bind::<Array<Integer>, _>(column(|line| line.reserved))
        .bind::<Array<Nullable<Jsonb>>, _>(
            self.lines.iter().map(|line| adjustment::stored(&line.adjustments)).collect::<Vec<_>>(),
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }

    /// Writes what the buyer gave.
    pub async fn save_buyer(&self, tx: &mut Tx) -> Result<()> {
        let address = self.delivery.as_ref().and_then(|delivery| delivery.address.as_ref());
        cached_sql(
            "UPDATE order_buyers SET name = $2, phone = $3, email = $4, comment = $5, address = $6, name_words = $7,
                                     phone_key = $8
             WHERE order_id = $1",
        )
        .bind::<SqlUuid, _>(self.order_id.uuid())
        .bind::<Text, _>(&self.buyer.name)
        .bind::<Text, _>(&self.buyer.phone)
        .bind::<Text, _>(&self.buyer.email)
        .bind::<Text, _>(&self.buyer.comment)
        .bind::<Nullable<Jsonb>, _>(address.map(|address| serde_json::json!(address)))
        .bind::<Text, _>(words(&self.buyer.name).join(" "))
        .bind::<Text, _>(phone_key(&self.buyer.phone))
        .execute(tx.conn())
        .await?;
        Ok(())
    }

    async fn save_quantities(&self, tx: &mut Tx) -> Result<()> {
        let column = |pick: fn(&OrderLine) -> i32| self.lines.iter().map(pick).collect::<Vec<_>>();
        cached_sql(
            "UPDATE order_lines AS line
             SET reserved = new.reserved, shipped = new.shipped, delivered = new.delivered, cancelled = new.cancelled,
                 returned = new.returned
             FROM unnest($2, $3, $4, $5, $6, $7) AS new (position, reserved, shipped, delivered, cancelled, returned)
             WHERE line.order_id = $1 AND line.position = new.position
               AND (line.reserved, line.shipped, line.delivered, line.cancelled, line.returned)
                   IS DISTINCT FROM (new.reserved, new.shipped, new.delivered, new.cancelled, new.returned)",
        )
        .bind::<SqlUuid, _>(self.order_id.uuid())
        .bind::<Array<Integer>, _>(column(|line| line.position))
        .bind::<Array<Integer>, _>(column(|line| line.reserved))
        .bind::<Array<Integer>, _>(column(|line| line.shipped))
        .bind::<Array<Integer>, _>(column(|line| line.delivered))
        .bind::<Array<Integer>, _>(column(|line| line.cancelled))
        .bind::<Array<Integer>, _>(column(|line| line.returned))
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}
