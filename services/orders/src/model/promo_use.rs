//! Who has which promo code: taken once per order, given back when the order comes to nothing.

use diesel::OptionalExtension;
use diesel::sql_types::{BigInt, Binary, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use store::{Audit, Result, Tx, cached_sql};
use types::{CustomerId, OrderId, PromoCodeId};
use uuid::Uuid;

use crate::model::buyer::{Buyer, phone_key};
use crate::model::promo_code::{PromoCode, PromoRefusal};

/// How a buyer is recognised among the uses of one code; whoever gave nothing is nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redeemer {
    /// His card, once he is identified.
    pub customer_id: Option<CustomerId>,
    /// The last digits of his phone; empty for none.
    phone_key: String,
    /// His e-mail in lower case; empty for none.
    email_key: String,
}

impl Redeemer {
    /// The buyer of an order.
    pub fn of(buyer: &Buyer, customer_id: Option<CustomerId>) -> Self {
        Self { customer_id, phone_key: phone_key(&buyer.phone), email_key: buyer.email.trim().to_lowercase() }
    }
}

/// Whether an order has a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It has, since before.
    Taken,
    /// It gave it back, and takes it no more.
    GivenBack,
}

/// Whether `order_id` has taken a code or given it back.
pub async fn of_order(tx: &mut Tx, order_id: OrderId) -> Result<Option<Use>> {
    let state: Option<(String,)> = cached_sql("SELECT state FROM promo_uses WHERE order_id = $1")
        .bind::<SqlUuid, _>(order_id.uuid())
        .returns::<(Text,)>()
        .get_result(tx.conn())
        .await
        .optional()?;
    Ok(state.map(|(state,)| if state == "taken" { Use::Taken } else { Use::GivenBack }))
}

/// Takes `code`, which is locked in this transaction, for an order that has none yet.
pub async fn take(
    tx: &mut Tx,
    code: &PromoCode,
    order_id: OrderId,
    redeemer: &Redeemer,
) -> Result<Result<(), PromoRefusal>> {
    let by_customer = match code.uses_per_customer_max {
        Some(_) => uses_by(tx, code.promo_code_id, order_id, redeemer).await?,
        None => 0,
    };
    if let Err(refusal) = code.has_uses_left(by_customer) {
        return Ok(Err(refusal));
    }
    let now = tx.now();
    let (phone, email) = digests(redeemer);
    let taken = cached_sql(
        "WITH taken AS (
            INSERT INTO promo_uses (order_id, promo_code_id, state, customer_id, phone_digest, email_digest, create_time)
            VALUES ($1, $2, 'taken', $3, sha256(uuid_send($2) || $4), sha256(uuid_send($2) || $5), $6)
            ON CONFLICT DO NOTHING RETURNING promo_code_id
         )
         UPDATE promo_codes SET use_count = use_count + 1 FROM taken
         WHERE promo_codes.promo_code_id = taken.promo_code_id",
    )
    .bind::<SqlUuid, _>(order_id.uuid())
    .bind::<SqlUuid, _>(code.promo_code_id.uuid())
    .bind::<Nullable<SqlUuid>, _>(redeemer.customer_id.map(Uuid::from))
    .bind::<Nullable<Binary>, _>(phone)
    .bind::<Nullable<Binary>, _>(email)
    .bind::<Timestamptz, _>(now)
    .execute(tx.conn())
    .await?;
    if taken == 0 {
        return Ok(Err(PromoRefusal::GivenBack));
    }
    tx.audit(
        Audit::new("orders.redeem_promo_code", code.promo_code_id).set("order_id", order_id.to_string()),
    );
    Ok(Ok(()))
}

/// Notes whose order it is, for an order whose code was taken by its quote.
pub async fn note_redeemer(
    tx: &mut Tx,
    code: &PromoCode,
    order_id: OrderId,
    redeemer: &Redeemer,
) -> Result<Result<(), PromoRefusal>> {
    if code.uses_per_customer_max.is_some() {
        let by_customer = uses_by(tx, code.promo_code_id, order_id, redeemer).await?;
        if let Err(refusal) = (PromoCode { uses_max: None, ..code.clone() }).has_uses_left(by_customer) {
            return Ok(Err(refusal));
        }
    }
    let (phone, email) = digests(redeemer);
    cached_sql(
        "UPDATE promo_uses SET customer_id = $3, phone_digest = sha256(uuid_send($2) || $4),
                               email_digest = sha256(uuid_send($2) || $5)
         WHERE order_id = $1",
    )
    .bind::<SqlUuid, _>(order_id.uuid())
    .bind::<SqlUuid, _>(code.promo_code_id.uuid())
    .bind::<Nullable<SqlUuid>, _>(redeemer.customer_id.map(Uuid::from))
    .bind::<Nullable<Binary>, _>(phone)
    .bind::<Nullable<Binary>, _>(email)
    .execute(tx.conn())
    .await?;
    Ok(Ok(()))
}

/// Gives back what an order has taken, or sees to it that it never takes.
pub async fn give_back(tx: &mut Tx, order_id: OrderId) -> Result<()> {
    // The code first, as whoever takes it does: the two never wait for each other in a circle.
    let code: Option<(Uuid,)> = cached_sql(
        "SELECT promo_code_id FROM promo_codes
         WHERE promo_code_id = (SELECT promo_code_id FROM promo_uses WHERE order_id = $1) FOR UPDATE",
    )
    .bind::<SqlUuid, _>(order_id.uuid())
    .returns::<(SqlUuid,)>()
    .get_result(tx.conn())
    .await
    .optional()?;
    let now = tx.now();
    let given = cached_sql(
        "WITH given AS (
            INSERT INTO promo_uses (order_id, state, create_time) VALUES ($1, 'given_back', $2)
            ON CONFLICT (order_id) DO UPDATE SET state = 'given_back' WHERE promo_uses.state = 'taken'
            RETURNING promo_code_id
         )
         UPDATE promo_codes SET use_count = use_count - 1 FROM given
         WHERE promo_codes.promo_code_id = given.promo_code_id",
    )
    .bind::<SqlUuid, _>(order_id.uuid())
    .bind::<Timestamptz, _>(now)
    .execute(tx.conn())
    .await?;
    if let Some((code,)) = code.filter(|_| given == 1) {
        let code = PromoCodeId::from_uuid(code);
        tx.audit(Audit::new("orders.give_back_promo_code", code).set("order_id", order_id.to_string()));
    }
    Ok(())
}

/// Other orders of the same buyer that have the code, whatever of him they share: three searches, each along its index.
async fn uses_by(tx: &mut Tx, code: PromoCodeId, besides: OrderId, redeemer: &Redeemer) -> Result<i64> {
    let (phone, email) = digests(redeemer);
    let (count,): (i64,) = cached_sql(
        "SELECT count(*) FROM (
            SELECT order_id FROM promo_uses WHERE promo_code_id = $1 AND customer_id = $2 AND state = 'taken'
            UNION SELECT order_id FROM promo_uses
            WHERE promo_code_id = $1 AND phone_digest = sha256(uuid_send($1) || $3) AND state = 'taken'
            UNION SELECT order_id FROM promo_uses
            WHERE promo_code_id = $1 AND email_digest = sha256(uuid_send($1) || $4) AND state = 'taken'
         ) AS uses WHERE order_id <> $5",
    )
    .bind::<SqlUuid, _>(code.uuid())
    .bind::<Nullable<SqlUuid>, _>(redeemer.customer_id.map(Uuid::from))
    .bind::<Nullable<Binary>, _>(phone)
    .bind::<Nullable<Binary>, _>(email)
    .bind::<SqlUuid, _>(besides.uuid())
    .returns::<(BigInt,)>()
    .get_result(tx.conn())
    .await?;
    Ok(count)
}

/// What is digested, with the code's id as salt, by the database.
fn digests(redeemer: &Redeemer) -> (Option<&[u8]>, Option<&[u8]>) {
    let known = |key: &str| !key.is_empty();
    (
        Some(redeemer.phone_key.as_str()).filter(|key| known(key)).map(str::as_bytes),
        Some(redeemer.email_key.as_str()).filter(|key| known(key)).map(str::as_bytes),
    )
}
