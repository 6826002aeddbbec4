//! The two commits of an order, each made together with those of other orders.

mod claims;
pub mod record_orders;
pub mod settle_orders;

use diesel_async::SimpleAsyncConnection;
use store::Tx;

/// Has the batch's statements planned as lookups by key. PostgreSQL keeps a plan until the table is analysed again: one
/// that was made while the tables were small would read all of them for every batch until then.
async fn look_up_by_key(tx: &mut Tx) -> store::Result<()> {
    const PLAN: &str =
        "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";
    Ok(tx.conn().batch_execute(PLAN).await?)
}
