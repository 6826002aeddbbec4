//! Disables the endpoints that a key has made when the key is revoked: who may not ask any more is not told any more.

use events::{Applied, Event, Subscription};
use prost::Message;
use proto::access::v1::ApiKeyRevoked;
use store::{Audit, Store, Tx};

use crate::model::endpoint::{Cause, Disabled};
use crate::model::endpoint_rows;

const ACTION: &str = "webhooks.disable_endpoints";

/// Follows access.
pub(crate) fn subscription(store: Store) -> Subscription {
    Subscription::new("webhooks.disable_endpoints", "access", move |tx, event| {
        let store = store.clone();
        Box::pin(async move { handle(&store, tx, event).await })
    })
    .of::<ApiKeyRevoked>()
}

async fn handle(store: &Store, tx: &mut Tx, event: &Event) -> Applied {
    let revoked = ApiKeyRevoked::decode(event.body.clone())?;
    let made_by = format!("key:{}", revoked.key_id);
    for id in endpoint_rows::enabled_of(tx, &made_by).await? {
        let Some(mut endpoint) = endpoint_rows::lock(store, tx, id).await? else { continue };
        endpoint.disabled = Some(Disabled { cause: Cause::KeyRevoked, time: tx.now() });
        endpoint.version += 1;
        endpoint_rows::update(store, tx, &endpoint).await?;
        tx.audit(Audit::new(ACTION, id).change("disable_cause", "", Cause::KeyRevoked.code()));
    }
    Ok(())
}
