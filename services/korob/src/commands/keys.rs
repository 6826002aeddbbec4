//! `korob keys`: the keys of partners.

use std::process::ExitCode;
use std::time::Duration;

use proto::access::v1::access_service_client::AccessServiceClient;
use proto::access::v1::{CreateApiKeyRequest, ListApiKeysRequest, RevokeApiKeyRequest, RotateApiKeyRequest};
use rpc::{BoundChannel, Call, Caller};
use uuid::Uuid;

use crate::arguments::Keys;
use crate::configuration::Configuration;

const PATIENCE: Duration = Duration::from_secs(10);

/// Whoever holds it makes keys that outlive the revocation of his own: it is given only when asked for.
const SCOPE_KEYS: &str = "access.keys";

/// Every scope but that of making keys, for keys that may do everything in their shops.
pub fn all_scopes() -> Vec<String> {
    let scopes = rpc::known_scopes().iter().filter(|scope| **scope != SCOPE_KEYS);
    scopes.map(|scope| (*scope).to_owned()).collect()
}

/// Makes, lists or revokes keys of the running suite.
pub async fn run(configuration: Configuration, keys: Keys) -> anyhow::Result<ExitCode> {
    let mut access = AccessServiceClient::new(access(&configuration)?);
    match keys {
        Keys::Create { name, shops, mut scopes, rate_limit } => {
            if scopes.is_empty() {
                scopes = all_scopes();
            }
            let idempotency_key = Uuid::new_v4().to_string();
            let request = CreateApiKeyRequest { name, shop_ids: shops, scopes, rate_limit, idempotency_key };
            let made = access.create_api_key(request).await.map_err(explain)?.into_inner();
            let key = made.api_key.unwrap_or_default();
            println!("{}", made.secret);
            eprintln!("{} ({}): the secret above is shown only now", key.key_id, key.name);
            if key.shop_ids.is_empty() {
                eprintln!(
                    "it sees no shop, also none that it makes: give shops with --shop shp_…, once per shop"
                );
            }
        }
        Keys::List => list(access).await?,
        Keys::Rotate { key_id, grace_minutes } => {
            let idempotency_key = Uuid::new_v4().to_string();
            let request = RotateApiKeyRequest { key_id, grace_minutes, idempotency_key };
            let made = access.rotate_api_key(request).await.map_err(explain)?.into_inner();
            let key = made.api_key.unwrap_or_default();
            println!("{}", made.secret);
            eprintln!(
                "{} ({}): the secret above is shown only now; the old one ends in {grace_minutes} minutes",
                key.key_id, key.name
            );
        }
        Keys::Revoke { key_id } => {
            let key =
                access.revoke_api_key(RevokeApiKeyRequest { key_id }).await.map_err(explain)?.into_inner();
            println!("{} is revoked; within five seconds nobody accepts it", key.key_id);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(mut access: AccessServiceClient<BoundChannel>) -> anyhow::Result<()> {
    let mut page_token = String::new();
    loop {
        let request = ListApiKeysRequest { page_size: 200, page_token };
        let page = access.list_api_keys(request).await.map_err(explain)?.into_inner();
        for key in page.api_keys {
            let state = if key.revoke_time.is_some() { "revoked" } else { "valid" };
            println!("{}  {}…  {state}  {}  {}", key.key_id, key.hint, key.name, key.scopes.join(","));
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(());
        }
    }
}

fn access(configuration: &Configuration) -> anyhow::Result<BoundChannel> {
    let directory = super::running_suite(configuration)?;
    Ok(directory.channel("access").bind(&Call::begin(Caller::operator("cli"), PATIENCE)))
}

fn explain(status: tonic::Status) -> anyhow::Error {
    super::explain(&status)
}
