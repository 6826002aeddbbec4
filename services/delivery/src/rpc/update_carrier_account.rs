//! Changes an account with a carrier; credentials that are given replace those of the same name.

use outbound::Reach;
use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Tx};
use types::CarrierAccountId;

use super::account_fields;
use super::create_delivery_method::may_change;
use crate::error::{Error, Result};
use crate::model::carrier_account::{CarrierAccount, Private};
use crate::model::carrier_account_rows;
use crate::{Delivery, wire};

/// What can be changed.
const PATHS: [&str; 6] = ["name", "base_url", "credentials", "settings", "webhook_url", "enabled"];

struct Changes {
    id: CarrierAccountId,
    mask: Vec<&'static str>,
    wanted: pb::CarrierAccount,
}

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::UpdateCarrierAccountRequest,
) -> Result<pb::CarrierAccount> {
    let changes = parse(request)?;

    delivery.store.transaction(call, async |tx: &mut Tx| update(delivery, tx, changes).await).await
}

fn parse(request: pb::UpdateCarrierAccountRequest) -> Result<Changes> {
    let mut fields = Fields::new();
    let mask = fields.update_mask(request.update_mask.as_ref(), &PATHS);
    let wanted = fields.present("carrier_account", request.carrier_account);
    let changes = wanted.and_then(|wanted| {
        let id = fields.parse("carrier_account.carrier_account_id", &wanted.carrier_account_id)?;
        Some(Changes { id, mask, wanted })
    });
    Ok(fields.finish_with(changes)?)
}

async fn update(delivery: &Delivery, tx: &mut Tx, changes: Changes) -> Result<pb::CarrierAccount> {
    let store = &delivery.store;
    let locked = carrier_account_rows::lock(store, tx, changes.id).await?;
    let shops = &tx.call().caller.shops;
    let visible = locked.filter(|account| account.shop_id.is_none_or(|shop| shops.allow(shop)));
    let before = visible.ok_or(Error::CarrierAccountNotFound)?;
    may_change(tx.call(), before.shop_id)?;
    let etag = &changes.wanted.etag;
    if !etag.is_empty() && *etag != before.version.to_string() {
        return Err(Error::EtagMismatch { current: before.version });
    }

    let mut account = changed(delivery.carriers.reach(), &before, &changes)?;
    if account == before {
        return Ok(wire::carrier_account(&before));
    }
    account.version += 1;
    // What the carrier signs with may be another now as well.
    let told_anew =
        account.webhook_url != account.webhook_told_url || account.credentials != before.credentials;
    if told_anew && (!account.webhook_url.is_empty() || !account.webhook_told_url.is_empty()) {
        account.webhook_due_time = Some(tx.now());
    }

    carrier_account_rows::update(store, tx, &account).await?;

    tell(tx, &before, &account);
    Ok(wire::carrier_account(&account))
}

fn changed(reach: &Reach, before: &CarrierAccount, changes: &Changes) -> Result<CarrierAccount> {
    let (mut account, wanted) = (before.clone(), &changes.wanted);
    let mut fields = Fields::new();
    for path in &changes.mask {
        match *path {
            "name" => account.name = account_fields::name(&mut fields, &wanted.name),
            "base_url" => account.base_url = account_fields::base_url(&mut fields, &wanted.base_url, reach),
            "credentials" => {
                let given = &wanted.credentials;
                account.credentials =
                    account_fields::credentials(&mut fields, before.kind, given, &before.credentials);
            }
            "settings" => {
                account.settings = account_fields::settings(&mut fields, before.kind, &wanted.settings, reach)
            }
            "webhook_url" => {
                account.webhook_url = account_fields::webhook_url(&mut fields, &wanted.webhook_url)
            }
            _ => account.enabled = wanted.enabled,
        }
    }
    let goes_to =
        |account: &CarrierAccount| (account.base_url.clone(), account.settings.get("print_url").to_owned());
    if goes_to(&account) != goes_to(before) {
        // Stored secrets do not follow to an address that was chosen later, perhaps by somebody else.
        let (given, none) = (&wanted.credentials, Private::default());
        account.credentials = account_fields::credentials(&mut fields, before.kind, given, &none);
    }
    fields.finish()?;
    Ok(account)
}

/// That credentials changed, not what they are.
fn tell(tx: &mut Tx, before: &CarrierAccount, account: &CarrierAccount) {
    let changed = |names: bool| if names { "changed" } else { "" };
    let audit = Audit::new("delivery.update_carrier_account", account.id)
        .change("name", &before.name, &account.name)
        .change("base_url", &before.base_url, &account.base_url)
        .change("credentials", "", changed(before.credentials != account.credentials))
        .change("settings", "", changed(before.settings != account.settings))
        .change("webhook_url", &before.webhook_url, &account.webhook_url)
        .change("enabled", before.enabled, account.enabled);
    tx.audit(match account.shop_id {
        Some(shop) => audit.shop(shop.uuid()),
        None => audit,
    });
}
