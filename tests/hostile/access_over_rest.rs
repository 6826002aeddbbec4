//! Every route of the gateway × everybody who may not use it. (S1, S3)

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use http::Method;
use serde_json::{Value, json};

use crate::belongings::Belongings;
use crate::client::{Answer, Client};
use crate::findings::findings;
use crate::methods::{self, Door, Route};
use crate::suite::Suite;

/// Who tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Nobody,
    Guesser,
    RevokedKey,
    KeyWithoutTheScope,
    KeyWithEverything,
    Buyer,
    ForgedBuyer,
}

const EVERYBODY: [Who; 7] = [
    Who::Nobody,
    Who::Guesser,
    Who::RevokedKey,
    Who::KeyWithoutTheScope,
    Who::KeyWithEverything,
    Who::Buyer,
    Who::ForgedBuyer,
];

/// How the gateway itself refuses whoever is known.
const DOORS: [&str; 3] = ["SCOPE_MISSING", "KEY_METHOD", "BUYER_METHOD"];

/// What they hold.
struct Ring {
    revoked: String,
    everything: String,
    /// By the scope that each lacks.
    without: BTreeMap<String, String>,
    buyer: String,
}

/// Tries them all.
pub async fn try_every_route(suite: &Suite, shop: &Belongings) {
    let client = Client::new(suite.url());
    let openapi = client.ask(&Method::GET, "/openapi.json", None, None).await.ok();
    let routes = methods::routes(&openapi);
    let ring = Ring::cut(&client, shop).await;

    let tries = routes.iter().flat_map(|route| EVERYBODY.map(|who| (route, who)));
    let tried = futures_util::stream::iter(tries).map(async |(route, who)| {
        let key = ring.key(who, route);
        let client = if matches!(who, Who::Guesser | Who::RevokedKey | Who::ForgedBuyer) {
            Client::from_elsewhere(suite.url())
        } else {
            client.clone()
        };
        let body = route.has_body().then(|| json!({}));
        let answer = client.ask(&route.method, &route.path("x"), key.as_deref(), body.as_ref()).await;
        wrong(route, who, &answer).map(|expected| {
            format!("{} to {who:?}: {expected}, not {} {}", route.operation, answer.status, answer.text)
        })
    });
    let wrong = findings(tried).await;
    assert!(wrong.is_empty(), "{} of {} routes:\n{}", wrong.len(), routes.len(), wrong.join("\n"));

    methods_inside_have_no_path(&client, &shop.key).await;
}

/// What should have been answered, unless it was.
fn wrong(route: &Route, who: Who, answer: &Answer) -> Option<String> {
    let expected = match (&route.door, who) {
        (Door::Open, _) => None,
        (Door::Key(_), Who::Nobody) => Some((401, "KEY_REQUIRED")),
        (Door::Buyer, Who::Nobody) => Some((401, "TOKEN_REQUIRED")),
        (_, Who::Guesser | Who::RevokedKey) => Some((401, "KEY_INVALID")),
        (_, Who::ForgedBuyer) => Some((401, "TOKEN_INVALID")),
        (Door::Key(_), Who::KeyWithoutTheScope) => Some((403, "SCOPE_MISSING")),
        (Door::Key(_), Who::Buyer) => Some((403, "KEY_METHOD")),
        (Door::Buyer, Who::KeyWithoutTheScope | Who::KeyWithEverything) => Some((403, "BUYER_METHOD")),
        (Door::Key(_), Who::KeyWithEverything) | (Door::Buyer, Who::Buyer) => None,
    };
    match expected {
        Some(expected) => (answer.verdict() != expected).then(|| format!("{expected:?} was expected")),
        None => {
            let (status, reason) = answer.verdict();
            // Whoever may call is let through to the request itself, which is a poor one here.
            let refused = route.door != Door::Open && (status == 401 || DOORS.contains(&reason));
            (refused || status >= 500).then(|| "it is open".to_owned())
        }
    }
}

/// The gRPC path is no path of the gateway.
async fn methods_inside_have_no_path(client: &Client, key: &str) {
    for method in methods::all() {
        let answer = client.ask(&Method::POST, &method.grpc_path, Some(key), Some(&json!({}))).await;
        assert_eq!(answer.verdict(), (404, "UNKNOWN_PATH"), "{}", method.grpc_path);
    }
}

impl Ring {
    async fn cut(client: &Client, shop: &Belongings) -> Self {
        let shop_key = shop.key.as_str();
        // Only scopes that the maker holds can be given.
        let scopes: Vec<&str> =
            rpc::known_scopes().iter().copied().filter(|scope| *scope != "orders.price").collect();
        let make = async |name: &str, scopes: Vec<&str>| {
            let wanted =
                json!({ "name": name, "shopIds": [shop.id("shp")], "scopes": scopes, "rateLimit": 10_000 });
            client.ask(&Method::POST, "/v1/keys", Some(shop_key), Some(&wanted)).await.ok()
        };
        let secret = |made: &Value| made["secret"].as_str().unwrap().to_owned();
        let mut without = BTreeMap::new();
        for scope in &scopes {
            let others = scopes.iter().copied().filter(|other| other != scope).collect();
            without.insert((*scope).to_owned(), secret(&make(scope, others).await));
        }
        let revoked = make("revoked", scopes.clone()).await;
        let path = format!("/v1/keys/{}/revoke", revoked["apiKey"]["keyId"].as_str().unwrap());
        client.ask(&Method::POST, &path, Some(shop_key), Some(&json!({}))).await.ok();
        let wanted = json!({ "shopId": shop.id("shp"), "orderId": shop.id("ord") });
        let buyer = client.ask(&Method::POST, "/v1/buyer-tokens", Some(shop_key), Some(&wanted)).await.ok();
        Self {
            revoked: secret(&revoked),
            everything: shop_key.to_owned(),
            without,
            buyer: buyer["token"].as_str().unwrap().to_owned(),
        }
    }

    fn key(&self, who: Who, route: &Route) -> Option<String> {
        let held = match who {
            Who::Nobody => return None,
            Who::Guesser => format!("korob_{}", uuid::Uuid::new_v4().simple()),
            Who::RevokedKey => self.revoked.clone(),
            Who::KeyWithEverything => self.everything.clone(),
            Who::KeyWithoutTheScope => match &route.door {
                Door::Key(scope) => self.without[scope].clone(),
                Door::Buyer | Door::Open => self.everything.clone(),
            },
            Who::Buyer => self.buyer.clone(),
            Who::ForgedBuyer => {
                // The last letter but one: the last carries fewer bits.
                let mut forged = self.buyer.clone().into_bytes();
                let at = forged.len() - 2;
                forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
                String::from_utf8(forged).unwrap()
            }
        };
        Some(held)
    }
}
