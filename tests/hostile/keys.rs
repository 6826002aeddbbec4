//! Keys: kept as digests only, dead soon after they are revoked, not to be guessed. (S4)

use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;

use crate::client::Client;
use crate::suite::{SERVICES, Suite};

/// What an operator who revokes a key may rely on.
const REVOKED_WITHIN: Duration = Duration::from_secs(5);
/// Wrong keys of one address in a minute.
const GUESSES: usize = 20;

pub async fn a_revoked_key_is_dead_within_five_seconds(suite: &Suite) {
    let client = Client::new(suite.url());
    let wanted = json!({ "name": "short-lived", "shopIds": [suite.shop_id], "scopes": ["orders.read"] });
    let made = client.ask(&Method::POST, "/v1/keys", Some(&suite.key), Some(&wanted)).await.ok();
    let secret = made["secret"].as_str().unwrap();
    let look = async || client.ask(&Method::GET, "/v1/orders", Some(secret), None).await.verdict().0;
    // It is known to the gateway when it is revoked: the harder case.
    assert_eq!(look().await, 200);

    let path = format!("/v1/keys/{}/revoke", made["apiKey"]["keyId"].as_str().unwrap());
    client.ask(&Method::POST, &path, Some(&suite.key), Some(&json!({}))).await.ok();

    let revoked = Instant::now();
    while look().await == 200 {
        assert!(revoked.elapsed() < REVOKED_WITHIN, "a revoked key still opens the door");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(look().await, 401);
}

pub async fn no_secret_is_kept_anywhere(suite: &Suite) {
    let client = Client::new(suite.url());
    let wanted = json!({ "name": "looked-for", "shopIds": [suite.shop_id], "scopes": ["orders.read"] });
    let made = client.ask(&Method::POST, "/v1/keys", Some(&suite.key), Some(&wanted)).await.ok();
    let secret = made["secret"].as_str().unwrap().to_owned();
    client.ask(&Method::GET, "/v1/orders", Some(&secret), None).await.ok();
    let random = secret.strip_prefix("korob_").unwrap();
    assert!(random.len() * 6 >= 128, "{} letters are too few to be safe from guessing", random.len());

    let access = suite.database("access").await;
    let digests = "SELECT count(*) FROM api_keys WHERE secret_sha256 = sha256(convert_to($1, 'UTF8'))";
    assert_eq!(access.query_one(digests, &[&secret]).await.unwrap().get::<_, i64>(0), 1);
    for service in SERVICES {
        let database = suite.database(service).await;
        let tables = "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables \
                      WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
        for table in database.query(tables, &[]).await.unwrap() {
            let table: String = table.get(0);
            // Bytes are shown in hexadecimal.
            let held = format!(
                "SELECT count(*) FROM {table} AS kept WHERE strpos(kept::text, $1) > 0 \
                 OR strpos(kept::text, encode(convert_to($1, 'UTF8'), 'hex')) > 0"
            );
            let count: i64 = database.query_one(&held, &[&random]).await.unwrap().get(0);
            assert_eq!(count, 0, "{service}.{table} holds the secret of a key");
        }
    }
    assert!(!suite.log().contains(random), "the log holds the secret of a key");
}

pub async fn guessing_ends(suite: &Suite) {
    let thief = Client::from_elsewhere(suite.url());
    let guess = async |at: usize| {
        // Keys and buyers' tokens count alike.
        let guess = if at.is_multiple_of(2) { format!("korob_{at:043}") } else { format!("kbt_{at}.{at}") };
        thief.ask(&Method::GET, "/v1/orders", Some(&guess), None).await
    };
    for at in 0..GUESSES {
        assert_eq!(guess(at).await.verdict().0, 401, "guess {at}");
    }
    for at in GUESSES..GUESSES + 2 {
        let refused = guess(at).await;
        assert_eq!(refused.verdict(), (429, "TOO_MANY_WRONG_KEYS"), "guess {at}");
        assert!((1..=60).contains(&refused.header("retry-after").parse::<u64>().unwrap()));
    }
    // The key that works goes on, also from the address that is shut out; other addresses notice nothing.
    assert_eq!(thief.ask(&Method::GET, "/v1/orders", Some(&suite.key), None).await.verdict().0, 200);
    let stranger = Client::from_elsewhere(suite.url());
    let answer = stranger.ask(&Method::GET, "/v1/orders", Some("korob_nobody"), None).await;
    assert_eq!(answer.verdict(), (401, "KEY_INVALID"));
}
