//! Keys: shown once, stored as digests, in force until revoked.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proto::access::v1 as pb;
use sha2::{Digest, Sha256};
use testing::{Refusal, refusal};
use tonic::Code;

use crate::office::{Office, key, key_request, nobody};

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
        (key_request("buyers only", &["buyer.read"]), "scopes[0]"),
        (key_request("suite only", &["payments.webhooks"]), "scopes[0]"),
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
async fn a_key_grants_only_what_it_holds() {
    let office = Office::open().await;
    let (mine, foreign) = (office.shop("mine").await, office.shop("foreign").await);
    let mut partner = office.partner(&[&mine], &["access.keys", "orders.read"]);
    let asking = |shops: &[&str], scopes: &[&str]| pb::CreateApiKeyRequest {
        shop_ids: shops.iter().map(|shop| (*shop).to_owned()).collect(),
        ..key_request("theirs", scopes)
    };

    let made = partner.create_api_key(asking(&[&mine.shop_id], &["orders.read"])).await.unwrap().into_inner();
    assert!(authenticate(&office, &made.secret).await.is_ok());
    let heir = partner.create_api_key(asking(&[&mine.shop_id], &["access.keys", "orders.read"])).await;
    assert!(heir.is_ok(), "the right to make keys is one that can be granted");

    let refused = partner.create_api_key(asking(&[&mine.shop_id], &["orders.read", "orders.write"])).await;
    let facts = rpc::metadata(refused.as_ref().unwrap_err());
    assert_eq!(facts.get("scope").map(String::as_str), Some("orders.write"));
    let refused = refusal(refused);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::PermissionDenied, "SCOPE_NOT_HELD"));
    for shop in [foreign.shop_id.clone(), nobody("shp")] {
        let refused = refusal(partner.create_api_key(asking(&[&shop], &["orders.read"])).await);
        assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "SHOP_NOT_FOUND"));
    }

    let mut other = office.partner(&[&mine], &["orders.read"]);
    let refused = refusal(other.create_api_key(asking(&[], &["orders.read"])).await);
    assert_eq!(refused.reason, "SCOPE_MISSING");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_a_request_is_its_makers_own() {
    let office = Office::open().await;
    let shop = office.shop("Shop").await;
    let (mut one, mut two) =
        (office.partner(&[&shop], &["access.keys"]), office.partner(&[&shop], &["access.keys"]));
    let first =
        pb::CreateApiKeyRequest { idempotency_key: "1".to_owned(), ..key_request("a", &["access.keys"]) };
    let second = pb::CreateApiKeyRequest { name: "b".to_owned(), ..first.clone() };
    let first = one.create_api_key(first).await.unwrap().into_inner();
    let second = two.create_api_key(second).await.unwrap().into_inner();
    assert!(!first.secret.is_empty() && !second.secret.is_empty() && first.secret != second.secret);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_manages_the_keys_it_could_have_made() {
    let office = Office::open().await;
    let (mine, foreign) = (office.shop("mine").await, office.shop("foreign").await);
    let make = async |name: &str, shops: &[&pb::Shop], scopes: &[&str]| {
        let shop_ids = shops.iter().map(|shop| shop.shop_id.clone()).collect();
        let request = pb::CreateApiKeyRequest { shop_ids, ..key_request(name, scopes) };
        office.operator().create_api_key(request).await.unwrap().into_inner().api_key.unwrap().key_id
    };
    let equal = make("equal", &[&mine], &["orders.read", "access.keys"]).await;
    let smaller = make("smaller", &[], &["orders.read"]).await;
    let elsewhere = make("elsewhere", &[&mine, &foreign], &["orders.read"]).await;
    let stronger = make("stronger", &[&mine], &["orders.read", "payments.write"]).await;

    let mut partner = office.partner(&[&mine], &["access.keys", "orders.read"]);
    let listed =
        partner.list_api_keys(pb::ListApiKeysRequest::default()).await.unwrap().into_inner().api_keys;
    let listed: Vec<_> = listed.into_iter().map(|key| key.key_id).collect();
    assert_eq!(listed, [smaller.clone(), equal]);

    for hidden in [elsewhere, stronger, nobody("key")] {
        let revoke = partner.revoke_api_key(pb::RevokeApiKeyRequest { key_id: hidden.clone() }).await;
        assert_eq!(refusal(revoke).reason, "API_KEY_NOT_FOUND");
        let rotated = partner.rotate_api_key(rotate(&hidden, 5)).await;
        assert_eq!(refusal(rotated).reason, "API_KEY_NOT_FOUND");
    }
    let revoked = partner.revoke_api_key(pb::RevokeApiKeyRequest { key_id: smaller }).await.unwrap();
    assert!(revoked.into_inner().revoke_time.is_some());
}

fn rotate(key_id: &str, grace_minutes: i32) -> pb::RotateApiKeyRequest {
    pb::RotateApiKeyRequest { key_id: key_id.to_owned(), grace_minutes, idempotency_key: key() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_has_two_secrets_for_a_while() {
    let office = Office::open().await;
    let made = office.key_for(&office.shop("Shop").await).await;
    let old = made.secret;
    let key_id = made.api_key.unwrap().key_id;

    let request = rotate(&key_id, 10);
    let rotated = office.operator().rotate_api_key(request.clone()).await.unwrap().into_inner();
    let repeated = office.operator().rotate_api_key(request).await.unwrap().into_inner();

    let key = rotated.api_key.clone().unwrap();
    assert_eq!((key.key_id.as_str(), key.hint.as_str()), (key_id.as_str(), &rotated.secret[..12]));
    assert!(rotated.secret != old && rotated.grace_expire_time.is_some());
    assert_eq!(repeated, pb::RotateApiKeyResponse { secret: String::new(), ..rotated.clone() });
    for secret in [&old, &rotated.secret] {
        assert_eq!(authenticate(&office, secret).await.unwrap().into_inner(), key);
    }
    office.world.clock.advance(std::time::Duration::from_secs(9 * 60 + 55));
    assert!(authenticate(&office, &old).await.is_ok());
    office.world.clock.advance(std::time::Duration::from_secs(10));
    assert_eq!(refusal(authenticate(&office, &old).await), key_invalid());
    assert!(authenticate(&office, &rotated.secret).await.is_ok());
    assert_eq!(office.history_of(&key_id).await, ["access.create_api_key", "access.rotate_api_key"]);
    let stored = office.everything().await;
    assert!(!stored.contains(&rotated.secret[12..]) && !stored.contains(&hexadecimal(&rotated.secret[12..])));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_new_secret_rotates_again() {
    let office = Office::open().await;
    let made = office.key_for(&office.shop("Shop").await).await;
    let key_id = made.api_key.unwrap().key_id;
    office.operator().rotate_api_key(rotate(&key_id, 60)).await.unwrap();
    let again = office.operator().rotate_api_key(rotate(&key_id, 60)).await.unwrap().into_inner();
    assert!(
        authenticate(&office, &made.secret).await.is_ok()
            && authenticate(&office, &again.secret).await.is_ok()
    );

    for _ in 0..3 {
        office.operator().rotate_api_key(rotate(&key_id, 60)).await.unwrap();
    }
    let refused = refusal(office.operator().rotate_api_key(rotate(&key_id, 60)).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "TOO_MANY_SECRETS"));
    office.world.clock.advance(std::time::Duration::from_secs(3601));
    assert!(office.operator().rotate_api_key(rotate(&key_id, 60)).await.is_ok(), "expired ones do not count");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_grace_the_old_secret_ends_at_once_and_revoking_ends_all() {
    let office = Office::open().await;
    let made = office.key_for(&office.shop("Shop").await).await;
    let key_id = made.api_key.unwrap().key_id;
    let second = office.operator().rotate_api_key(rotate(&key_id, 0)).await.unwrap().into_inner().secret;
    assert_eq!(refusal(authenticate(&office, &made.secret).await), key_invalid());
    let third = office.operator().rotate_api_key(rotate(&key_id, 10)).await.unwrap().into_inner().secret;

    office.operator().revoke_api_key(pb::RevokeApiKeyRequest { key_id: key_id.clone() }).await.unwrap();
    for secret in [second, third] {
        assert_eq!(refusal(authenticate(&office, &secret).await), key_invalid());
    }
    let refused = refusal(office.operator().rotate_api_key(rotate(&key_id, 10)).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "API_KEY_REVOKED"));
    for grace_minutes in [-1, 10_081] {
        let refused = refusal(office.operator().rotate_api_key(rotate(&key_id, grace_minutes)).await);
        assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec!["grace_minutes".to_owned()]));
    }
}
