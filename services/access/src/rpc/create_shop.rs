//! Adds a shop.

use ::rpc::{Call, Fields};
use proto::access::v1 as pb;
use store::{Audit, Once, Tx};

use crate::error::{Error, Result};
use crate::model::{Changes, LegalEntity, Shop};
use crate::{Access, request, wire};

const METHOD: &str = "access.create_shop";

pub(crate) async fn handle(access: &Access, call: &Call, request: pb::CreateShopRequest) -> Result<pb::Shop> {
    let mut fields = Fields::new();
    fields.idempotency_key(&request.idempotency_key);
    let wanted = fields.present("shop", request.shop.as_ref());
    let details = request::shop(fields.finish_with(wanted)?)?;

    let once = Once { scope: "org", method: METHOD, key: &request.idempotency_key };
    access
        .store
        .once(call, once, &request, async |tx: &mut Tx| {
            let shop = Shop::new(details, tx.now());
            if !LegalEntity::exists(tx.conn(), shop.details.legal_entity).await? {
                return Err(Error::LegalEntityNotFound(shop.details.legal_entity));
            }

            shop.insert(tx.conn()).await?;

            let changes = Changes::of_new(shop.details.facts());
            let event = pb::ShopChanged { shop: Some(wire::shop(&shop)), changed_fields: changes.names() };
            events::append(tx, shop.id, shop.version, Some(shop.id), &event);
            tx.audit(changes.into_audit(Audit::new(METHOD, shop.id).shop(shop.id.uuid())));
            Ok(wire::shop(&shop))
        })
        .await
}
