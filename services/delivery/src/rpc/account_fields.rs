//! Reads the fields of an account with a carrier that may be set or changed.

use std::collections::BTreeMap;

use outbound::Reach;
use rpc::Fields;

use crate::model::carrier_account::{CarrierKind, Private};

const NAME_LENGTH_MAX: usize = 200;
const URL_LENGTH_MAX: usize = 500;
const VALUE_LENGTH_MAX: usize = 1000;

/// The name people see.
pub fn name(fields: &mut Fields, name: &str) -> String {
    fields.required_text("carrier_account.name", name, NAME_LENGTH_MAX)
}

/// Where the carrier answers.
pub fn base_url(fields: &mut Fields, url: &str, reach: &Reach) -> String {
    let url = fields.required_text("carrier_account.base_url", url, URL_LENGTH_MAX);
    called(fields, "carrier_account.base_url", &url, reach);
    url.trim_end_matches('/').to_owned()
}

/// Checks that `url` may be called; an empty one is not.
fn called(fields: &mut Fields, field: &str, url: &str, reach: &Reach) {
    if url.is_empty() {
        return;
    }
    if !is_url(url) {
        fields.refuse(field, "MALFORMED", "an address such as https://carrier.example/api");
    } else if let Err(forbidden) = reach.check_url(url) {
        fields.refuse(field, "ADDRESS_NOT_ALLOWED", forbidden.to_string());
    }
}

/// Where the carrier sends its webhooks, or nothing.
pub fn webhook_url(fields: &mut Fields, url: &str) -> String {
    let url = fields.text("carrier_account.webhook_url", url, URL_LENGTH_MAX);
    let plain = url.is_empty() || is_url(&url);
    fields.check(
        plain,
        "carrier_account.webhook_url",
        "MALFORMED",
        "an address such as https://shop.example/…",
    );
    url
}

/// Credentials of `kind`; those that are needed must be among them or among `known`.
pub fn credentials(
    fields: &mut Fields,
    kind: CarrierKind,
    given: &BTreeMap<String, String>,
    known: &Private,
) -> Private {
    named(fields, "carrier_account.credentials", kind.credentials(), given, known)
}

/// Settings of `kind`; those that are needed must be there.
pub fn settings(
    fields: &mut Fields,
    kind: CarrierKind,
    given: &BTreeMap<String, String>,
    reach: &Reach,
) -> Private {
    let settings = named(fields, "carrier_account.settings", kind.settings(), given, &Private::default());
    called(fields, "carrier_account.settings[print_url]", settings.get("print_url"), reach);
    settings
}

fn named(
    fields: &mut Fields,
    field: &str,
    (needed, possible): (&[&str], &[&str]),
    given: &BTreeMap<String, String>,
    known: &Private,
) -> Private {
    let mut all: BTreeMap<String, String> = known.0.clone();
    for (name, value) in given {
        let path = format!("{field}[{name}]");
        if !needed.contains(&name.as_str()) && !possible.contains(&name.as_str()) {
            let can = [needed, possible].concat().join(", ");
            fields.refuse(field, "UNKNOWN_NAME", format!("this carrier has {can}"));
            continue;
        }
        let value = fields.text(&path, value, VALUE_LENGTH_MAX);
        all.insert(name.clone(), value);
    }
    for name in needed {
        let there = all.get(*name).is_some_and(|value| !value.trim().is_empty());
        fields.check(there, &format!("{field}[{name}]"), "REQUIRED", "this carrier needs it");
    }
    Private(all)
}

fn is_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    // No credentials, no query: they would show in logs.
    let clean = url.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'@' | b'?' | b'#'));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')) && clean
}
