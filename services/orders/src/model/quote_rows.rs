//! Reads quotes and writes them.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{Insertable, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Error, Result, Tx, cached_sql};
use types::{Currency, DeliveryMethodId, Money, PromoCodeId, QuoteId, ShopId, SourceId, VariantId};
use uuid::Uuid;

use crate::model::adjustment;
use crate::model::order_line::{LineKind, OrderLine, UnitPrice};
use crate::model::order_rows;
use crate::model::quote::{Choice, Quote, QuoteState};
use crate::schema::quotes;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = quotes)]
struct Row {
    quote_id: Uuid,
    order_id: Uuid,
    shop_id: Uuid,
    source_id: Uuid,
    channel: String,
    state: String,
    currency: String,
    payment_method: String,
    lines: Value,
    goods_total: i64,
    weight_grams: i32,
    choices: Value,
    delivery_method_id: Option<Uuid>,
    destination: Option<Vec<u8>>,
    extras: Vec<u8>,
    promo_code_id: Option<Uuid>,
    promo_code: String,
    holds_stock: bool,
    idempotency_key: String,
    expire_time: DateTime<Utc>,
    create_time: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
struct StoredLine {
    sku: String,
    variant_id: Option<Uuid>,
    name: String,
    goods: bool,
    ordered: i32,
    unit_minor: Option<i64>,
    fixed: bool,
    price_quantity: i32,
    total_minor: i64,
    tax_category: String,
    adjustments: Option<Value>,
    components: Option<Value>,
    weight_grams: i32,
}

#[derive(Serialize, Deserialize)]
struct StoredChoice {
    method_id: Uuid,
    name: String,
    price_minor: i64,
    days_min: i32,
    days_max: i32,
}

impl Quote {
    /// The quote, if there is one.
    pub async fn load(conn: &mut AsyncPgConnection, quote_id: QuoteId) -> Result<Option<Self>> {
        let row =
            quotes::table.find(quote_id.uuid()).select(Row::as_select()).first(conn).await.optional()?;
        row.map(read).transpose()
    }

    /// Writes a new one.
    pub async fn insert(&self, tx: &mut Tx) -> Result<()> {
        diesel::insert_into(quotes::table).values(row(self)).execute(tx.conn()).await?;
        Ok(())
    }
}

/// Moves a quote on; false when it is not in `from` any more.
pub async fn change_state(tx: &mut Tx, quote_id: QuoteId, from: QuoteState, to: QuoteState) -> Result<bool> {
    let changed = cached_sql("UPDATE quotes SET state = $3 WHERE quote_id = $1 AND state = $2")
        .bind::<SqlUuid, _>(quote_id.uuid())
        .bind::<Text, _>(from.name())
        .bind::<Text, _>(to.name())
        .execute(tx.conn())
        .await?;
    Ok(changed == 1)
}

/// Quotes whose time ran out and that nobody has placed, or that were left half-way, are begun to be given back.
/// Answers them, oldest first.
pub async fn begin_releasing(tx: &mut Tx, patience: TimeDelta, limit: i64) -> Result<Vec<QuoteId>> {
    let now = tx.now();
    let rows: Vec<(Uuid,)> = cached_sql(
        "UPDATE quotes SET state = 'releasing'
         WHERE quote_id = ANY(ARRAY(
             SELECT quote_id FROM quotes
             WHERE (state IN ('open', 'releasing') AND expire_time <= $1)
                OR (state IN ('reserving', 'releasing') AND create_time <= $2)
             ORDER BY expire_time LIMIT $3 FOR UPDATE SKIP LOCKED))
         RETURNING quote_id",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now - patience)
    .bind::<BigInt, _>(limit)
    .returns::<(SqlUuid,)>()
    .load(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| QuoteId::from_uuid(row.0)).collect())
}

/// Forgets quotes that ended before `before`, a few at a time.
pub async fn forget(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<usize> {
    let forgotten = cached_sql(
        "DELETE FROM quotes WHERE quote_id = ANY(ARRAY(
             SELECT quote_id FROM quotes WHERE create_time < $1 AND state IN ('placed', 'expired')
             ORDER BY create_time LIMIT $2))",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .execute(tx.conn())
    .await?;
    Ok(forgotten)
}

fn row(quote: &Quote) -> Row {
    let choice = |choice: &Choice| StoredChoice {
        method_id: choice.method_id.uuid(),
        name: choice.name.clone(),
        price_minor: choice.price.minor(),
        days_min: choice.days_min,
        days_max: choice.days_max,
    };
    Row {
        quote_id: quote.quote_id.uuid(),
        order_id: quote.order_id().uuid(),
        shop_id: quote.shop_id.uuid(),
        source_id: quote.source_id.uuid(),
        channel: quote.channel.clone(),
        state: quote.state.name().to_owned(),
        currency: quote.currency.code().to_owned(),
        payment_method: quote.payment_method.name().to_owned(),
        lines: json!(quote.lines.iter().map(stored_line).collect::<Vec<_>>()),
        goods_total: quote.goods_total.minor(),
        weight_grams: quote.weight_grams,
        choices: json!(quote.choices.iter().map(choice).collect::<Vec<_>>()),
        delivery_method_id: quote.delivery_method_id.map(Uuid::from),
        destination: quote.destination.clone(),
        extras: quote.extras.clone(),
        promo_code_id: quote.promo_code_id.map(Uuid::from),
        promo_code: quote.promo_code.clone(),
        holds_stock: quote.holds_stock,
        idempotency_key: quote.idempotency_key.clone(),
        expire_time: quote.expire_time,
        create_time: quote.create_time,
    }
}

fn stored_line(line: &OrderLine) -> StoredLine {
    StoredLine {
        sku: line.sku.to_string(),
        variant_id: line.variant_id.map(Uuid::from),
        name: line.name.clone(),
        goods: line.kind == LineKind::Goods,
        ordered: line.ordered,
        unit_minor: line.unit_price.money().map(Money::minor),
        fixed: matches!(line.unit_price, UnitPrice::Fixed(_)),
        price_quantity: line.price_quantity,
        total_minor: line.total.minor(),
        tax_category: line.tax_category.clone(),
        adjustments: adjustment::stored(&line.adjustments),
        components: order_rows::components(line),
        weight_grams: line.weight_grams,
    }
}

fn read(row: Row) -> Result<Quote> {
    let corrupt = |what: &str| Error::Corrupt(format!("{what} of a quote"));
    let currency: Currency = row.currency.parse().map_err(|_| corrupt("the currency"))?;
    let lines: Vec<StoredLine> = serde_json::from_value(row.lines).map_err(|_| corrupt("the lines"))?;
    let choices: Vec<StoredChoice> =
        serde_json::from_value(row.choices).map_err(|_| corrupt("the choices"))?;
    let choice = |stored: StoredChoice| Choice {
        method_id: DeliveryMethodId::from_uuid(stored.method_id),
        name: stored.name,
        price: Money::new(currency, stored.price_minor),
        days_min: stored.days_min,
        days_max: stored.days_max,
    };
    Ok(Quote {
        quote_id: QuoteId::from_uuid(row.quote_id),
        shop_id: ShopId::from_uuid(row.shop_id),
        source_id: SourceId::from_uuid(row.source_id),
        channel: row.channel,
        state: row.state.parse().map_err(Error::Corrupt)?,
        currency,
        payment_method: row.payment_method.parse().map_err(|_| corrupt("the payment method"))?,
        lines: lines
            .into_iter()
            .zip(0..)
            .map(|(line, at)| read_line(line, at, currency))
            .collect::<Result<_>>()?,
        goods_total: Money::new(currency, row.goods_total),
        weight_grams: row.weight_grams,
        choices: choices.into_iter().map(choice).collect(),
        delivery_method_id: row.delivery_method_id.map(DeliveryMethodId::from_uuid),
        destination: row.destination,
        extras: row.extras,
        promo_code_id: row.promo_code_id.map(PromoCodeId::from_uuid),
        promo_code: row.promo_code,
        holds_stock: row.holds_stock,
        idempotency_key: row.idempotency_key,
        expire_time: row.expire_time,
        create_time: row.create_time,
    })
}

fn read_line(line: StoredLine, position: i32, currency: Currency) -> Result<OrderLine> {
    let money = |minor| Money::new(currency, minor);
    let no_adjustments = || Ok(Vec::new());
    Ok(OrderLine {
        position,
        sku: line.sku.parse().map_err(|_| Error::Corrupt("the SKU of a quote".to_owned()))?,
        variant_id: line.variant_id.map(VariantId::from_uuid),
        name: line.name,
        kind: if line.goods { LineKind::Goods } else { LineKind::Service },
        ordered: line.ordered,
        reserved: 0,
        shipped: 0,
        delivered: 0,
        cancelled: 0,
        returned: 0,
        unit_price: UnitPrice::stored(line.unit_minor, line.fixed, currency),
        price_quantity: line.price_quantity,
        total: money(line.total_minor),
        adjustments: line
            .adjustments
            .map_or_else(no_adjustments, |value| adjustment::read(value, currency))?,
        tax_category: line.tax_category,
        components: order_rows::read_components(line.components)?,
        weight_grams: line.weight_grams,
    })
}
