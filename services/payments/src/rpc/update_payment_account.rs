//! Changes an account; credentials that are not named stay as they are.

use std::collections::BTreeMap;

use outbound::Reach;
use proto::payments::v1 as pb;
use rpc::{Call, Fields, Invalid};
use store::{Audit, Tx};
use types::PaymentAccountId;

use super::account_details;
use crate::error::{Error, Result};
use crate::model::account::{self, Account};
use crate::{Payments, wire};

const METHOD: &str = "payments.update_payment_account";
const FIELDS: [&str; 8] =
    ["name", "base_url", "credentials", "capture_mode", "priority", "enabled", "currency_codes", "settings"];

struct Wanted {
    id: PaymentAccountId,
    etag: Option<i64>,
    mask: Vec<&'static str>,
    account: pb::PaymentAccount,
}

pub async fn handle(
    payments: &Payments,
    call: &Call,
    request: pb::UpdatePaymentAccountRequest,
) -> Result<pb::PaymentAccount> {
    let wanted = parse(request)?;

    let account = payments.store.transaction(call, async |tx: &mut Tx| {
        let before = account::lock(tx, wanted.id).await?;
        let before = before.filter(|account| call.caller.shops.allow(account.shop));
        let before = before.ok_or(Error::PaymentAccountNotFound)?;

        // What does not open any more can still be replaced as a whole.
        let known = before.credentials(&payments.store).unwrap_or_default();
        let (mut account, credentials) = apply(&wanted, &before, &known, payments.client.reach())?;
        if credentials != known {
            account.credential_names = credentials.keys().cloned().collect();
            account.credentials_sealed = Account::seal(&payments.store, account.id, &credentials);
        }
        if account == before {
            return Ok(before);
        }
        if wanted.etag.is_some_and(|read| read != before.version) {
            return Err(Error::EtagMismatch { current: before.version });
        }
        account.version += 1;

        account::save(tx, &account).await?;

        tx.audit(history(&before, &account));
        Ok::<_, Error>(account)
    });
    Ok(wire::account(&account.await?))
}

fn parse(request: pb::UpdatePaymentAccountRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let mask = fields.update_mask(request.update_mask.as_ref(), &FIELDS);
    let wanted = fields.present("payment_account", request.payment_account).and_then(|account| {
        let id = fields.parse("payment_account.provider_account_id", &account.provider_account_id);
        let etag = fields.parse_optional("payment_account.etag", &account.etag);
        Some(Wanted { id: id?, etag, mask, account })
    });
    Ok(fields.finish_with(wanted)?)
}

/// The account with the masked fields as they are wanted, and its credentials.
fn apply(
    wanted: &Wanted,
    before: &Account,
    known: &BTreeMap<String, String>,
    reach: &Reach,
) -> Result<(Account, BTreeMap<String, String>), Invalid> {
    let mut fields = Fields::new();
    let (mut account, mut credentials) = (before.clone(), known.clone());
    let (kind, new) = (before.kind, &wanted.account);
    for field in &wanted.mask {
        let path = format!("payment_account.{field}");
        match *field {
            "name" => account.name = fields.required_text(&path, &new.name, account_details::NAME_LENGTH_MAX),
            "base_url" => {
                account.base_url = account_details::base_url(&mut fields, &path, &new.base_url, reach);
            }
            "credentials" => {
                let named = account_details::named(&mut fields, &path, &new.credentials, kind.credentials());
                credentials.extend(named);
                account_details::complete(&mut fields, &path, &credentials, kind.credentials());
            }
            "capture_mode" => {
                account.automatic = account_details::automatic(&mut fields, &path, new.capture_mode)
            }
            "priority" => account.priority = new.priority,
            "enabled" => account.enabled = new.enabled,
            "currency_codes" => {
                account.currencies = account_details::currencies(&mut fields, &path, &new.currency_codes);
            }
            _ => {
                account.settings = account_details::named(&mut fields, &path, &new.settings, kind.settings());
                account_details::complete(&mut fields, &path, &account.settings, kind.required_settings());
            }
        }
    }
    if account.base_url != before.base_url {
        // Stored secrets do not follow to an address that was chosen later, perhaps by somebody else.
        let path = "payment_account.credentials";
        credentials = account_details::named(&mut fields, path, &new.credentials, kind.credentials());
        account_details::complete(&mut fields, path, &credentials, kind.credentials());
    }
    fields.finish()?;
    Ok((account, credentials))
}

fn history(before: &Account, account: &Account) -> Audit {
    let audit = Audit::new(METHOD, account.id)
        .shop(account.shop.uuid())
        .change("name", &before.name, &account.name)
        .change("base_url", &before.base_url, &account.base_url)
        .change("automatic", before.automatic, account.automatic)
        .change("priority", before.priority, account.priority)
        .change("enabled", before.enabled, account.enabled)
        .change("settings", &before.settings, &account.settings);
    // That they changed is history; what they are is not.
    match before.credentials_sealed == account.credentials_sealed {
        true => audit,
        false => audit.set("credentials", "changed"),
    }
}
