//! Changes a shop.

use ::rpc::{Call, Fields, Invalid};
use proto::access::v1 as pb;
use store::{Audit, Tx};
use types::ShopId;

use crate::error::{Error, Result};
use crate::model::{Changes, Etag, LegalEntity, Shop, ShopDetails};
use crate::{Access, request, wire};

const METHOD: &str = "access.update_shop";

struct Wanted {
    id: ShopId,
    etag: Etag,
    mask: Vec<&'static str>,
    shop: pb::Shop,
}

pub(crate) async fn handle(access: &Access, call: &Call, request: pb::UpdateShopRequest) -> Result<pb::Shop> {
    let wanted = Wanted::parse(request)?;
    if !call.caller.shops.allow(wanted.id) {
        return Err(Error::ShopNotFound(wanted.id));
    }

    let shop = access.store.transaction(call, async |tx: &mut Tx| {
        let mut shop = Shop::lock(tx.conn(), wanted.id).await?.ok_or(Error::ShopNotFound(wanted.id))?;

        let details = request::shop(&wanted.applied_to(wire::shop(&shop)))?;
        let changes = Changes::between(shop.details.facts(), details.facts());
        if changes.is_empty() {
            return Ok(shop);
        }
        wanted.etag.check(shop.version)?;
        if !LegalEntity::exists(tx.conn(), details.legal_entity).await? {
            return Err(Error::LegalEntityNotFound(details.legal_entity));
        }
        shop.version += 1;
        shop.details = details;

        shop.save(tx.conn()).await?;

        let event = pb::ShopChanged { shop: Some(wire::shop(&shop)), changed_fields: changes.names() };
        events::append(tx, shop.id, shop.version, Some(shop.id), &event);
        tx.audit(changes.into_audit(Audit::new(METHOD, shop.id).shop(shop.id.uuid())));
        Ok::<_, Error>(shop)
    });
    Ok(wire::shop(&shop.await?))
}

impl Wanted {
    fn parse(request: pb::UpdateShopRequest) -> Result<Self, Invalid> {
        let mut fields = Fields::new();
        let mask = fields.update_mask(request.update_mask.as_ref(), &ShopDetails::FIELDS);
        let wanted = fields.present("shop", request.shop).and_then(|shop| {
            let id = fields.parse("shop.shop_id", &shop.shop_id);
            let etag = Etag::parse(&mut fields, "shop.etag", &shop.etag);
            Some(Self { id: id?, etag: etag?, mask, shop })
        });
        fields.finish_with(wanted)
    }

    /// The shop as it is now with the masked fields as they are wanted.
    fn applied_to(&self, mut current: pb::Shop) -> pb::Shop {
        let wanted = self.shop.clone();
        let masked = |field: &str| self.mask.contains(&field);
        if masked("legal_entity_id") {
            current.legal_entity_id = wanted.legal_entity_id;
        }
        if masked("name") {
            current.name = wanted.name;
        }
        if masked("time_zone") {
            current.time_zone = wanted.time_zone;
        }
        if masked("locale") {
            current.locale = wanted.locale;
        }
        if masked("currency_code") {
            current.currency_code = wanted.currency_code;
        }
        if masked("shortage_policy") {
            current.shortage_policy = wanted.shortage_policy;
        }
        if masked("number_prefix") {
            current.number_prefix = wanted.number_prefix;
        }
        if masked("warehouse_ids") {
            current.warehouse_ids = wanted.warehouse_ids;
        }
        if masked("country_code") {
            current.country_code = wanted.country_code;
        }
        if masked("pay_by_minutes") {
            current.pay_by_minutes = wanted.pay_by_minutes;
        }
        if masked("split_allowed") {
            current.split_allowed = wanted.split_allowed;
        }
        if masked("quote_minutes") {
            current.quote_minutes = wanted.quote_minutes;
        }
        if masked("public_status_names") {
            current.public_status_names = wanted.public_status_names;
        }
        if masked("page_url") {
            current.page_url = wanted.page_url;
        }
        current
    }
}
