//! What the verbs of returns share: who sees a return, when it may be changed, and how a move is made.

use prost::Message;
use proto::orders::v1 as pb;
use rpc::Call;
use store::{Once, Tx};
use types::ReturnId;

use crate::error::{Error, Result};
use crate::model::return_state::ReturnState;
use crate::model::returns::Return;
use crate::{Orders, return_changes, wire};

/// A move of a return by hand, read from its request.
pub(super) struct Move {
    pub(super) return_id: ReturnId,
    pub(super) etag: Option<String>,
    pub(super) key: String,
    pub(super) to: ReturnState,
}

impl Move {
    /// Makes the move; `fill` adds what comes with it.
    pub(super) async fn make(
        self,
        orders: &Orders,
        call: &Call,
        method: &'static str,
        request: &impl Message,
        fill: impl FnOnce(&mut Return) + Send,
    ) -> Result<pb::Return> {
        let scope = load(orders, call, self.return_id).await?.shop_id.to_string();
        let once = Once { scope: &scope, method, key: &self.key };
        let answer = orders.store.once(call, once, request, async |tx: &mut Tx| {
            let before = visible(call, Return::lock(tx, self.return_id).await?)?;

            check(&before, self.etag.as_deref())?;
            let mut after = before.clone();
            after.change_state(self.to).map_err(Error::ReturnForbidden)?;
            fill(&mut after);

            return_changes::save(tx, method, &before, &mut after).await?;
            Ok::<_, Error>(wire::returns::whole(&after))
        });
        answer.await
    }
}

/// Refuses a return that has changed since it was read, or that something else is done with.
pub(super) fn check(one: &Return, etag: Option<&str>) -> Result<()> {
    let current = wire::returns::etag(one);
    if etag.is_some_and(|etag| !etag.is_empty() && etag != current) {
        return Err(Error::EtagMismatch { current });
    }
    if one.working.is_some() { Err(Error::ReturnBusy) } else { Ok(()) }
}

/// The return, when the caller may see it; a foreign one is as absent as one that never was.
pub(super) fn visible(call: &Call, one: Option<Return>) -> Result<Return> {
    one.filter(|one| call.caller.shops.allow(one.shop_id)).ok_or(Error::ReturnNotFound)
}

/// Reads a return that the caller may see.
pub(super) async fn load(orders: &Orders, call: &Call, return_id: ReturnId) -> Result<Return> {
    let mut connection = orders.store.connection().await?;
    visible(call, Return::snapshot(&mut connection, return_id).await?)
}
