//! Adds an account with a carrier.

use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Once, Tx};
use types::CarrierAccountId;

use super::account_fields;
use super::create_delivery_method::may_change;
use crate::error::Result;
use crate::model::carrier_account::{CarrierAccount, Private};
use crate::model::carrier_account_rows;
use crate::{Delivery, wire};

const METHOD: &str = "delivery.create_carrier_account";

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::CreateCarrierAccountRequest,
) -> Result<pb::CarrierAccount> {
    let (account, key) = parse(delivery, &request)?;

    may_change(call, account.shop_id)?;

    let scope = account.shop_id.map_or_else(|| "org".to_owned(), String::from);
    let once = Once { scope: &scope, method: METHOD, key: &key };
    let store = &delivery.store;
    let created = store.once(call, once, &request, async |tx: &mut Tx| {
        carrier_account_rows::insert(store, tx, &account).await?;
        tx.audit(audit(&account));
        Ok(wire::carrier_account(&account))
    });
    created.await
}

fn parse(delivery: &Delivery, request: &pb::CreateCarrierAccountRequest) -> Result<(CarrierAccount, String)> {
    let (now, reach) = (delivery.store.clock().now(), delivery.carriers.reach());
    let mut fields = Fields::new();
    let key = fields.idempotency_key(&request.idempotency_key);
    let wanted = fields.present("carrier_account", request.carrier_account.as_ref());
    let account = wanted.and_then(|wanted| {
        let shop_id = fields.parse_optional("carrier_account.shop_id", &wanted.shop_id);
        let kind = match pb::CarrierKind::try_from(wanted.kind).ok().and_then(wire::read_carrier_kind) {
            Some(kind) => kind,
            None => {
                fields.refuse("carrier_account.kind", "REQUIRED", "one of PARCEL, NOVA_POSHTA, CDEK");
                return None;
            }
        };
        let name = account_fields::name(&mut fields, &wanted.name);
        let base_url = account_fields::base_url(&mut fields, &wanted.base_url, reach);
        let nothing = Private::default();
        let credentials = account_fields::credentials(&mut fields, kind, &wanted.credentials, &nothing);
        let settings = account_fields::settings(&mut fields, kind, &wanted.settings, reach);
        let webhook_url = account_fields::webhook_url(&mut fields, &wanted.webhook_url);
        Some(CarrierAccount {
            id: CarrierAccountId::new(),
            shop_id,
            kind,
            name,
            base_url,
            credentials,
            settings,
            webhook_due_time: (!webhook_url.is_empty()).then_some(now),
            webhook_url,
            webhook_told_url: String::new(),
            enabled: wanted.enabled,
            version: 1,
            create_time: now,
        })
    });
    Ok((fields.finish_with(account)?, key))
}

/// Credentials are named, never written down; settings name the sender.
fn audit(account: &CarrierAccount) -> Audit {
    let audit = Audit::new(METHOD, account.id)
        .set("kind", account.kind.as_str())
        .set("name", &account.name)
        .set("base_url", &account.base_url)
        .set("credentials", account.credentials.0.keys().collect::<Vec<_>>())
        .set("settings", account.settings.0.keys().collect::<Vec<_>>())
        .set("webhook_url", &account.webhook_url)
        .set("enabled", account.enabled);
    match account.shop_id {
        Some(shop) => audit.shop(shop.uuid()),
        None => audit,
    }
}
