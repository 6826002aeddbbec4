//! Adds an account at a payment provider or a fiscal registrar.

use std::collections::BTreeMap;

use proto::payments::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Once, Tx};
use types::{PaymentAccountId, ShopId};

use super::account_details;
use crate::error::{Error, Result};
use crate::model::account::{self, Account};
use crate::{Payments, wire};

const METHOD: &str = "payments.create_payment_account";

pub async fn handle(
    payments: &Payments,
    call: &Call,
    request: pb::CreatePaymentAccountRequest,
) -> Result<pb::PaymentAccount> {
    let (wanted, credentials) = parse(payments, &request)?;
    if !call.caller.shops.allow(wanted.shop) {
        return Err(Error::PaymentAccountNotFound);
    }

    let scope = wanted.shop.to_string();
    let once = Once { scope: &scope, method: METHOD, key: &request.idempotency_key };
    payments
        .store
        .once(call, once, &request, async |tx: &mut Tx| {
            let sealed = Account::seal(&payments.store, wanted.id, &credentials);
            let account = Account { credentials_sealed: sealed, create_time: tx.now(), ..wanted };

            account::insert(tx, &account).await?;

            tx.audit(history(&account));
            Ok(wire::account(&account))
        })
        .await
}

fn parse(
    payments: &Payments,
    request: &pb::CreatePaymentAccountRequest,
) -> Result<(Account, BTreeMap<String, String>)> {
    let mut fields = Fields::new();
    fields.idempotency_key(&request.idempotency_key);
    let Some(account) = fields.present("payment_account", request.payment_account.clone()) else {
        return Ok(fields.finish_with(None)?);
    };
    let path = |field: &str| format!("payment_account.{field}");
    let shop: Option<ShopId> = fields.parse(&path("shop_id"), &account.shop_id);
    let kind = account_details::kind(&mut fields, &path("kind"), account.kind);
    let name = fields.required_text(&path("name"), &account.name, account_details::NAME_LENGTH_MAX);
    let reach = payments.client.reach();
    let base_url = account_details::base_url(&mut fields, &path("base_url"), &account.base_url, reach);
    let automatic = account_details::automatic(&mut fields, &path("capture_mode"), account.capture_mode);
    let currencies =
        account_details::currencies(&mut fields, &path("currency_codes"), &account.currency_codes);
    let (mut credentials, mut settings) = (BTreeMap::new(), BTreeMap::new());
    if let Some(kind) = kind {
        let field = path("credentials");
        credentials = account_details::named(&mut fields, &field, &account.credentials, kind.credentials());
        account_details::complete(&mut fields, &field, &credentials, kind.credentials());
        let field = path("settings");
        settings = account_details::named(&mut fields, &field, &account.settings, kind.settings());
        account_details::complete(&mut fields, &field, &settings, kind.required_settings());
    }
    let wanted = shop.zip(kind).map(|(shop, kind)| Account {
        id: PaymentAccountId::new(),
        shop,
        kind,
        name,
        base_url,
        credentials_sealed: Vec::new(),
        credential_names: credentials.keys().cloned().collect(),
        automatic,
        priority: account.priority,
        enabled: account.enabled,
        currencies,
        settings,
        version: 1,
        create_time: payments.store.clock().now(),
    });
    Ok(fields.finish_with(wanted.map(|wanted| (wanted, credentials)))?)
}

fn history(account: &Account) -> Audit {
    Audit::new(METHOD, account.id)
        .shop(account.shop.uuid())
        .set("kind", account.kind.as_str())
        .set("name", account.name.as_str())
        .set("base_url", account.base_url.as_str())
        .set("credential_names", &account.credential_names)
        .set("automatic", account.automatic)
        .set("priority", account.priority)
        .set("enabled", account.enabled)
}
