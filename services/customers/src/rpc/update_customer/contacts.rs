//! Replaces the phones or e-mails of a card, unless one of them leads to another card.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use store::{Tx, cached_sql};
use types::CustomerId;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::{Card, Identity};
use crate::schema::customer_identities as identities;

/// `field` is `phones` or `emails`; `contacts` become all of that kind, in this order.
pub(super) async fn replace(
    tx: &mut Tx,
    card: CustomerId,
    field: &str,
    contacts: &[Identity],
    visible: Option<Vec<Uuid>>,
) -> Result<()> {
    let kind = if field == "phones" { "phone" } else { "email" };
    let now = tx.now();
    diesel::delete(identities::table)
        .filter(identities::customer_id.eq(card.uuid()).and(identities::kind.eq(kind)))
        .execute(tx.conn())
        .await?;

    let added: Vec<(String,)> = cached_sql(
        "INSERT INTO customer_identities (kind, value, customer_id, ordinal, added_time)
         SELECT $1, value, $3, ordinal, $5 FROM unnest($2, $4) AS new (value, ordinal) ORDER BY value
         ON CONFLICT DO NOTHING RETURNING value",
    )
    .bind::<Text, _>(kind)
    .bind::<Array<Text>, _>(contacts.iter().map(Identity::value).collect::<Vec<_>>())
    .bind::<SqlUuid, _>(card.uuid())
    .bind::<Array<BigInt>, _>((0..contacts.len() as i64).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(now)
    .returns::<(Text,)>()
    .load(tx.conn())
    .await?;

    let taken = contacts.iter().position(|contact| added.iter().all(|(value,)| value != contact.value()));
    match taken {
        None => Ok(()),
        Some(at) => Err(refusal(tx, format!("customer.{field}[{at}]"), &contacts[at], visible).await?),
    }
}

/// Names the other card to those who may see it.
async fn refusal(
    tx: &mut Tx,
    field: String,
    contact: &Identity,
    visible: Option<Vec<Uuid>>,
) -> Result<Error> {
    let owner = identities::table.find((contact.kind(), contact.value())).select(identities::customer_id);
    let owner: Option<Uuid> = owner.first(tx.conn()).await.optional()?;
    let Some(owner) = owner.map(CustomerId::from_uuid) else { return Ok(Error::Raced) };
    let visible = Card::is_visible(tx.conn(), owner, visible).await?;
    Ok(Error::IdentityTaken { field, owner: Some(owner).filter(|_| visible) })
}
