//! Makes a key and returns its secret, once. A key grants only shops and scopes that it holds itself.
//!
//! The secret never enters the transaction's answer, so the stored outcome of the call does not hold it: a repeat finds
//! the key without its secret.

use ::rpc::{Call, Caller, Fields, Invalid};
use proto::access::v1 as pb;
use store::{Audit, Once, Tx};
use types::ShopId;

use crate::error::{Error, Result};
use crate::model::{ApiKey, Changes, RATE_LIMIT_DEFAULT, RATE_LIMIT_MAX, Secret, Shop};
use crate::request::NAME_LENGTH_MAX;
use crate::{Access, wire};

const METHOD: &str = "access.create_api_key";
const SHOPS_MAX: usize = 100;

struct Wanted {
    name: String,
    shops: Vec<ShopId>,
    scopes: Vec<String>,
    rate_limit: i32,
}

pub(crate) async fn handle(
    access: &Access,
    call: &Call,
    request: pb::CreateApiKeyRequest,
) -> Result<pb::CreateApiKeyResponse> {
    let wanted = Wanted::parse(&request)?;
    wanted.check_held(&call.caller)?;
    let now = access.store.clock().now();
    let secret = Secret::mint();
    let key = ApiKey::new(wanted.name, &secret, &wanted.shops, wanted.scopes, wanted.rate_limit, now);

    // Partners choose the keys of their requests without knowing of each other.
    let maker = call.caller.actor.to_string();
    let once = Once { scope: &maker, method: METHOD, key: &request.idempotency_key };
    let mut answer = access
        .store
        .once(call, once, &request, async |tx: &mut Tx| {
            if let Some(shop) = Shop::missing(tx.conn(), &wanted.shops).await? {
                return Err(Error::ShopNotFound(shop));
            }

            key.insert(tx.conn(), &secret).await?;

            tx.audit(Changes::of_new(key.facts()).into_audit(Audit::new(METHOD, key.id())));
            Ok(pb::CreateApiKeyResponse { api_key: Some(wire::api_key(&key)), secret: String::new() })
        })
        .await?;
    if answer.api_key.as_ref().is_some_and(|made| made.key_id == key.id().to_string()) {
        answer.secret = secret.reveal();
    }
    Ok(answer)
}

impl Wanted {
    fn parse(request: &pb::CreateApiKeyRequest) -> Result<Self, Invalid> {
        let mut fields = Fields::new();
        fields.idempotency_key(&request.idempotency_key);
        let name = fields.required_text("name", &request.name, NAME_LENGTH_MAX);
        let rate_limit = if request.rate_limit == 0 { RATE_LIMIT_DEFAULT } else { request.rate_limit };
        fields.check(
            (1..=RATE_LIMIT_MAX).contains(&rate_limit),
            "rate_limit",
            "OUT_OF_RANGE",
            "0 to 10000; 0 means 100",
        );
        let shops = shops(&mut fields, &request.shop_ids);
        let scopes = scopes(&mut fields, &request.scopes);
        fields.finish()?;
        Ok(Self { name, shops, scopes, rate_limit })
    }

    /// Nobody grants more than they have; a foreign shop answers like an absent one.
    fn check_held(&self, caller: &Caller) -> Result<()> {
        if let Some(scope) = self.scopes.iter().find(|scope| !caller.may(scope)) {
            return Err(Error::ScopeNotHeld { scope: scope.clone() });
        }
        match self.shops.iter().find(|shop| !caller.shops.allow(**shop)) {
            Some(shop) => Err(Error::ShopNotFound(*shop)),
            None => Ok(()),
        }
    }
}

/// A key without shops manages only what belongs to the organisation.
fn shops(fields: &mut Fields, ids: &[String]) -> Vec<ShopId> {
    if ids.len() > SHOPS_MAX {
        fields.list_length("shop_ids", ids.len(), SHOPS_MAX);
        return Vec::new();
    }
    let parsed = ids.iter().enumerate().filter_map(|(at, id)| fields.parse(&format!("shop_ids[{at}]"), id));
    let mut shops: Vec<ShopId> = parsed.collect();
    shops.sort();
    shops.dedup();
    shops
}

fn scopes(fields: &mut Fields, wanted: &[String]) -> Vec<String> {
    let known = ::rpc::known_scopes();
    fields.list_length("scopes", wanted.len(), known.len());
    for (at, scope) in wanted.iter().enumerate().take(known.len()) {
        if !known.contains(scope.as_str()) {
            let all = known.iter().copied().collect::<Vec<_>>().join(", ");
            fields.refuse(format!("scopes[{at}]"), "UNKNOWN_SCOPE", format!("one of {all}"));
        }
    }
    let mut scopes = wanted.to_vec();
    scopes.sort();
    scopes.dedup();
    scopes
}
