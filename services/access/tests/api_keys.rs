//! Keys: shown once, stored as digests, in force until revoked.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proto::access::v1 as pb;
use sha2::{Digest, Sha256};
use testing::{Refusal, refusal};
use tonic::Code;

use crate::office::{Office, key_request, nobody};

async fn authenticate(office: &Office, secret: &str) -> Result<tonic::Response<pb::ApiKey>, tonic::Status> {
    let secret_sha256 = Sha256::digest(secret.as_bytes()).to_vec();
    office.operator().authenticate_key(pb::AuthenticateKeyRequest { secret_sha256 }).await
}

fn hexadecimal(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn key_invalid() -> Refusal {
    Refusal { code: Code::Unauthenticated, reason: "KEY_INVALID".to_owned(), fields: Vec::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_has_256_random_bits_and_opens_the_door() {
    let office = Office::open().await;
    let shop = office.shop("Shop").await;
    let made = office.key_for(&shop).await;
    let key = made.api_key.unwrap();

    let random = URL_SAFE_NO_PAD.decode(made.secret.strip_prefix("korob_").unwrap()).unwrap();
    assert_eq!(random.len(), 32);
    assert_eq!(key.hint, made.secret[..12]);
    assert_eq!((key.rate_limit, key.revoke_time), (100, None));
    assert_eq!((&key.shop_ids, &key.scopes), (&vec![shop.shop_id], &vec!["orders.write".to_owned()]));
    assert_eq!(authenticate(&office, &made.secret).await.unwrap().into_inner(), key);
    assert_eq!(office.history_of(&key.key_id).await, ["access.create_api_key"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_is_stored_nowhere() {
    let office = Office::open().await;
    let made = office.key_for(&office.shop("Shop").await).await;
    let stored = office.everything().await;
    let (hint, rest) = made.secret.split_at(12);
    assert!(
        stored.contains(hint) && stored.contains(&hexadecimal(hint)),
        "the hint is stored, so this looked well"
    );
    assert!(!stored.contains(rest) && !stored.contains(&hexadecimal(rest)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_returns_the_key_without_its_secret() {
    let office = Office::open().await;
    let request = key_request("site", &["orders.write"]);
    let (mut one, mut two) = (office.operator(), office.operator());
    let (one, two) = tokio::join!(one.create_api_key(request.clone()), two.create_api_key(request.clone()));
    let (one, two) = (one.unwrap().into_inner(), two.unwrap().into_inner());

    assert_eq!(one.api_key, two.api_key);
    assert!(one.secret.is_empty() != two.secret.is_empty(), "exactly one of two sees the secret");
    let late = office.operator().create_api_key(request.clone()).await.unwrap().into_inner();
    assert_eq!((late.api_key, late.secret.as_str()), (one.api_key, ""));

    let other = pb::CreateApiKeyRequest { name: "other".to_owned(), ..request };
    assert_eq!(refusal(office.operator().create_api_key(other).await).reason, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_refused_like_an_unknown_one() {
    let office = Office::open().await;
    let made = office.key_for(&office.shop("Shop").await).await;
    let key_id = made.api_key.unwrap().key_id;
    let revoke = || pb::RevokeApiKeyRequest { key_id: key_id.clone() };

    let revoked = office.operator().revoke_api_key(revoke()).await.unwrap().into_inner();
    let repeated = office.operator().revoke_api_key(revoke()).await.unwrap().into_inner();

    assert!(revoked.revoke_time.is_some());
    assert_eq!(repeated, revoked);
    assert_eq!(refusal(authenticate(&office, &made.secret).await), key_invalid());
    assert_eq!(refusal(authenticate(&office, "korob_guess").await), key_invalid());
    assert_eq!(office.events_of(&key_id).await, ["korob.access.v1.ApiKeyRevoked"]);
    assert_eq!(office.history_of(&key_id).await, ["access.create_api_key", "access.revoke_api_key"]);

    let refused =
        refusal(office.operator().revoke_api_key(pb::RevokeApiKeyRequest { key_id: nobody("key") }).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "API_KEY_NOT_FOUND"));
    let refused =
        refusal(office.operator().revoke_api_key(pb::RevokeApiKeyRequest { key_id: "x".to_owned() }).await);
    assert_eq!(refused.fields, ["key_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_and_shops_must_exist() {
    let office = Office::open().await;
    let cases = [
        (pb::CreateApiKeyRequest { name: String::new(), ..key_request("", &["orders.read"]) }, "name"),
        (key_request("no scope", &[]), "scopes"),
        (key_request("misspelt", &["orders.read", "order.write"]), "scopes[1]"),
        (key_request("everything", &["*"]), "scopes[0]"),
        (key_request("suite only", &["access.keys"]), "scopes[0]"),
        (pb::CreateApiKeyRequest { rate_limit: -1, ..key_request("slow", &["orders.read"]) }, "rate_limit"),
        (
            pb::CreateApiKeyRequest { rate_limit: 10_001, ..key_request("fast", &["orders.read"]) },
            "rate_limit",
        ),
        (
            pb::CreateApiKeyRequest {
                shop_ids: vec!["shp_1".to_owned()],
                ..key_request("s", &["orders.read"])
            },
            "shop_ids[0]",
        ),
        (
            pb::CreateApiKeyRequest {
                shop_ids: vec![String::new(); 101],
                ..key_request("s", &["orders.read"])
            },
            "shop_ids",
        ),
        (
            pb::CreateApiKeyRequest { idempotency_key: String::new(), ..key_request("s", &["orders.read"]) },
            "idempotency_key",
        ),
    ];
    for (request, field) in cases {
        let refused = refusal(office.operator().create_api_key(request).await);
        assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec![field.to_owned()]));
    }
    let absent =
        pb::CreateApiKeyRequest { shop_ids: vec![nobody("shp")], ..key_request("s", &["orders.read"]) };
    let refused = refusal(office.operator().create_api_key(absent).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "SHOP_NOT_FOUND"));
    let priced = key_request("marketplace", &["orders.write", "orders.price"]);
    assert!(office.operator().create_api_key(priced).await.is_ok(), "a scope no method needs as a whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_has_32_bytes() {
    let office = Office::open().await;
    let request = pb::AuthenticateKeyRequest { secret_sha256: vec![1; 31] };
    let refused = refusal(office.operator().authenticate_key(request).await);
    assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec!["secret_sha256".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_listed_newest_first() {
    let office = Office::open().await;
    for name in ["first", "second", "third"] {
        office.operator().create_api_key(key_request(name, &["orders.read"])).await.unwrap();
    }
    let mut request = pb::ListApiKeysRequest { page_size: 2, ..Default::default() };
    let page = office.operator().list_api_keys(request.clone()).await.unwrap().into_inner();
    request.page_token = page.next_page_token;
    let rest = office.operator().list_api_keys(request).await.unwrap().into_inner();
    let names = page.api_keys.iter().chain(&rest.api_keys).map(|key| key.name.as_str()).collect::<Vec<_>>();
    assert_eq!(names, ["third", "second", "first"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_neither_make_nor_see_keys() {
    let office = Office::open().await;
    let shop = office.shop("Shop").await;
    let mut partner = office.partner(&[&shop], &["access.keys", "access.write"]);
    assert_eq!(
        refusal(partner.create_api_key(key_request("mine", &["orders.read"])).await).reason,
        "INTERNAL_METHOD"
    );
    assert_eq!(
        refusal(partner.list_api_keys(pb::ListApiKeysRequest::default()).await).reason,
        "INTERNAL_METHOD"
    );
}
