//! Keeps what an edit is to do until it is done, what is personal apart from the rest.

use chrono::{DateTime, Utc};
use diesel::OptionalExtension;
use diesel::sql_types::{Bool, Integer, Jsonb, Nullable, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Result, Tx, cached_sql};
use types::{Currency, DeliveryMethodId, Money, OrderId, VariantId};
use uuid::Uuid;

use crate::model::edit::{Edit, EditPersonal, EditedLine, method_id};
use crate::model::order::Delivery;
use crate::model::order_line::{LineKind, OrderLine, UnitPrice};
use crate::model::order_rows::{self, json as read_json, named};

/// What is stored of an edit, without anything personal.
#[derive(Serialize, Deserialize)]
struct Contents {
    lines: Option<Vec<LineRow>>,
    /// Whether the delivery changes; without a method there is none afterwards.
    delivers_anew: bool,
    delivery_method_id: Option<Uuid>,
    delivery_price: Option<i64>,
    ship_by_changes: bool,
    ship_by: Option<DateTime<Utc>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LineRow {
    Kept { position: i32, quantity: i32 },
    New(Box<NewRow>),
}

#[derive(Serialize, Deserialize)]
struct NewRow {
    sku: String,
    variant_id: Option<Uuid>,
    name: String,
    service: bool,
    ordered: i32,
    unit_price: Option<i64>,
    price_fixed: bool,
    price_quantity: i32,
    total: i64,
    tax_category: String,
    components: Option<Value>,
    weight_grams: i32,
}

impl Edit {
    /// Stores it under its saga.
    pub async fn insert(&self, tx: &mut Tx, saga_id: Uuid, order_id: OrderId, ordinal: i32) -> Result<()> {
        let personal = EditPersonal {
            contact: self.contact.clone(),
            comment: self.comment.clone(),
            address: self.delivery.iter().flatten().find_map(|delivery| delivery.address.clone()),
        };
        cached_sql(
            "INSERT INTO order_edits (saga_id, order_id, ordinal, contents, personal) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind::<SqlUuid, _>(saga_id)
        .bind::<SqlUuid, _>(order_id.uuid())
        .bind::<Integer, _>(ordinal)
        .bind::<Jsonb, _>(json!(self.contents()))
        .bind::<Nullable<Jsonb>, _>(Some(json!(personal)).filter(|_| personal != EditPersonal::default()))
        .execute(tx.conn())
        .await?;
        Ok(())
    }

    /// The edit of a saga, if it has not ended.
    pub async fn load(
        conn: &mut AsyncPgConnection,
        saga_id: Uuid,
        currency: Currency,
    ) -> Result<Option<Self>> {
        let row: Option<(Value, Option<Value>)> =
            cached_sql("SELECT contents, personal FROM order_edits WHERE saga_id = $1")
                .bind::<SqlUuid, _>(saga_id)
                .returns::<(Jsonb, Nullable<Jsonb>)>()
                .get_result(conn)
                .await
                .optional()?;
        let Some((contents, personal)) = row else { return Ok(None) };
        let personal = personal.map(read_json).transpose()?.unwrap_or_default();
        read(read_json(contents)?, personal, currency).map(Some)
    }

    /// From now on it goes forward only. False when its saga has ended or goes back: then nothing may be done for it.
    pub async fn decide(conn: &mut AsyncPgConnection, saga_id: Uuid) -> Result<bool> {
        let decided = cached_sql(
            "UPDATE order_edits SET decided = true
             WHERE saga_id = $1
               AND EXISTS (SELECT FROM sagas WHERE sagas.saga_id = $1 AND state = 'running' FOR SHARE)",
        )
        .bind::<SqlUuid, _>(saga_id)
        .execute(conn)
        .await?;
        Ok(decided == 1)
    }

    /// What could not have been undone was not done: it may be given up again.
    pub async fn reconsider(conn: &mut AsyncPgConnection, saga_id: Uuid) -> Result<()> {
        cached_sql("UPDATE order_edits SET decided = false WHERE saga_id = $1")
            .bind::<SqlUuid, _>(saga_id)
            .execute(conn)
            .await?;
        Ok(())
    }

    /// Whether it goes forward only.
    pub async fn is_decided(conn: &mut AsyncPgConnection, saga_id: Uuid) -> Result<bool> {
        let (decided,): (bool,) =
            cached_sql("SELECT EXISTS (SELECT FROM order_edits WHERE saga_id = $1 AND decided)")
                .bind::<SqlUuid, _>(saga_id)
                .returns::<(Bool,)>()
                .get_result(conn)
                .await?;
        Ok(decided)
    }

    /// Forgets it: it is done or given up.
    pub async fn forget(tx: &mut Tx, saga_id: Uuid) -> Result<()> {
        cached_sql("DELETE FROM order_edits WHERE saga_id = $1")
            .bind::<SqlUuid, _>(saga_id)
            .execute(tx.conn())
            .await?;
        Ok(())
    }

    fn contents(&self) -> Contents {
        let line = |line: &EditedLine| match line {
            EditedLine::Kept { position, quantity } => {
                LineRow::Kept { position: *position, quantity: *quantity }
            }
            EditedLine::New(line) => LineRow::New(Box::new(new_row(line))),
        };
        Contents {
            lines: self.lines.as_ref().map(|lines| lines.iter().map(line).collect()),
            delivers_anew: self.delivery.is_some(),
            delivery_method_id: self.delivery.iter().flatten().map(method_id).next(),
            delivery_price: self.delivery_price.map(Money::minor),
            ship_by_changes: self.ship_by.is_some(),
            ship_by: self.ship_by.flatten(),
        }
    }
}

fn new_row(line: &OrderLine) -> NewRow {
    NewRow {
        sku: line.sku.to_string(),
        variant_id: line.variant_id.map(Uuid::from),
        name: line.name.clone(),
        service: line.kind == LineKind::Service,
        ordered: line.ordered,
        unit_price: line.unit_price.money().map(Money::minor),
        price_fixed: matches!(line.unit_price, UnitPrice::Fixed(_)),
        price_quantity: line.price_quantity,
        total: line.total.minor(),
        tax_category: line.tax_category.clone(),
        components: order_rows::components(line),
        weight_grams: line.weight_grams,
    }
}

fn read(contents: Contents, personal: EditPersonal, currency: Currency) -> Result<Edit> {
    let line = |row: LineRow| match row {
        LineRow::Kept { position, quantity } => Ok(EditedLine::Kept { position, quantity }),
        LineRow::New(row) => new_line(*row, currency).map(|line| EditedLine::New(Box::new(line))),
    };
    let delivery = contents.delivery_method_id.map(|method_id| Delivery {
        method_id: DeliveryMethodId::from_uuid(method_id),
        method_name: String::new(),
        address: personal.address,
        price_fixed: contents.delivery_price.is_some(),
    });
    Ok(Edit {
        lines: contents.lines.map(|rows| rows.into_iter().map(line).collect::<Result<_>>()).transpose()?,
        delivery: Some(delivery).filter(|_| contents.delivers_anew),
        delivery_price: contents.delivery_price.map(|minor| Money::new(currency, minor)),
        ship_by: Some(contents.ship_by).filter(|_| contents.ship_by_changes),
        contact: personal.contact,
        comment: personal.comment,
    })
}

fn new_line(row: NewRow, currency: Currency) -> Result<OrderLine> {
    let money = |minor| Money::new(currency, minor);
    Ok(OrderLine {
        position: 0,
        sku: named(&row.sku)?,
        variant_id: row.variant_id.map(VariantId::from_uuid),
        name: row.name,
        kind: if row.service { LineKind::Service } else { LineKind::Goods },
        ordered: row.ordered,
        reserved: 0,
        shipped: 0,
        delivered: 0,
        cancelled: 0,
        returned: 0,
        unit_price: UnitPrice::stored(row.unit_price, row.price_fixed, currency),
        price_quantity: row.price_quantity,
        total: money(row.total),
        tax_category: row.tax_category,
        adjustments: Vec::new(),
        components: order_rows::read_components(row.components)?,
        weight_grams: row.weight_grams,
    })
}
