//! Ends quotes whose time ran out: what they held is given back. Also those that a call left half-way.

use std::time::Duration;

use chrono::TimeDelta;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use rpc::{Call, Caller};
use store::{Audit, Tx, cached_sql};
use types::{QuoteId, ReservationId};

use crate::Orders;
use crate::error::{Error, Result};
use crate::model::promo_use;
use crate::model::quote::{Quote, QuoteState};
use crate::model::quote_rows;
use crate::rpc::CREATE_QUOTE;

/// How often the job looks for such quotes.
pub const PERIOD: Duration = Duration::from_secs(5);

/// Quotes of one round.
const QUOTES_MAX: i64 = 100;
/// A call that holds stock for longer does not come back.
const HALF_WAY: TimeDelta = TimeDelta::seconds(60);
/// Quotes are kept for so long, to answer for the orders that were placed with them.
const KEPT: TimeDelta = TimeDelta::days(90);
const FORGOTTEN_MAX: i64 = 1_000;
const PATIENCE: Duration = Duration::from_secs(10);
const WHY: &str = "the quote has expired";

/// One round over those that are due.
pub async fn run(orders: &Orders) -> anyhow::Result<()> {
    let call = Call::begin(Caller::service(orders.store.service()), PATIENCE);
    let due = orders
        .store
        .transaction(&call, async |tx: &mut Tx| quote_rows::begin_releasing(tx, HALF_WAY, QUOTES_MAX).await)
        .await?;
    for quote_id in due {
        if let Err(error) = release(orders, &call, quote_id).await {
            // They all ask the same service: it will not answer the next one either.
            tracing::info!(%quote_id, %error, "a quote is given back later");
            break;
        }
    }
    let before = orders.store.clock().now() - KEPT;
    orders
        .store
        .transaction(&call, async |tx: &mut Tx| quote_rows::forget(tx, before, FORGOTTEN_MAX).await)
        .await?;
    Ok(())
}

/// A quote whose stock was refused is given up at once.
pub async fn give_up(orders: &Orders, call: &Call, quote: &Quote) -> Result<()> {
    let begun = orders.store.transaction(call, async |tx: &mut Tx| {
        let (from, to) = (QuoteState::Reserving, QuoteState::Releasing);
        Ok::<_, Error>(quote_rows::change_state(tx, quote.quote_id, from, to).await?)
    });
    if begun.await? { release(orders, call, quote.quote_id).await } else { Ok(()) }
}

/// Inventory remembers the id, so that nothing can be held for the quote later; then its promo code and its end.
async fn release(orders: &Orders, call: &Call, quote_id: QuoteId) -> Result<()> {
    let mut connection = orders.store.connection().await?;
    let Some(quote) = Quote::load(&mut connection, quote_id).await? else { return Ok(()) };
    drop(connection);
    if quote.holds_stock {
        let reservation_id = ReservationId::derived(quote.order_id().uuid(), 0);
        orders.ask.inventory.release(call, reservation_id, WHY).await.map_err(Error::Answered)?;
    }
    orders
        .store
        .transaction(call, async |tx: &mut Tx| {
            if !quote_rows::change_state(tx, quote_id, QuoteState::Releasing, QuoteState::Expired).await? {
                return Ok(());
            }
            if quote.promo_code_id.is_some() {
                promo_use::give_back(tx, quote.order_id()).await?;
            }
            free_key(tx, &quote).await?;
            let audit = Audit::new("orders.expire_quote", quote_id).shop(quote.shop_id.uuid());
            tx.audit(audit.change("state", QuoteState::Open.name(), QuoteState::Expired.name()));
            Ok::<_, Error>(())
        })
        .await
}

/// The key of a call that never came to an answer is free again.
async fn free_key(tx: &mut Tx, quote: &Quote) -> Result<()> {
    cached_sql(
        "DELETE FROM idempotency_keys WHERE scope = $1 AND method = $2 AND key = $3 AND response IS NULL",
    )
    .bind::<Text, _>(quote.shop_id.to_string())
    .bind::<Text, _>(CREATE_QUOTE)
    .bind::<Text, _>(&quote.idempotency_key)
    .execute(tx.conn())
    .await?;
    Ok(())
}
