//! Buyers come with a token, see what is meant for buyers, and nothing else.

use std::time::Duration;

use chrono::TimeDelta;
use http::Method;
use prost::Message as _;
use proto::orders::v1::{BuyerOrder, GetBuyerOrderRequest, GetOrderRequest, Order};
use rpc::{Actor, Buyer, BuyerTokens, CallerKeys};
use types::{Clock, CustomerId, ShopId};

use crate::shop::{Answer, SECRET, Shop};

const GET_OWN: &str = "/korob.orders.v1.BuyerService/GetBuyerOrder";
const OWN_PATH: &str = "/v1/buyer/orders/ord_1";

async fn open() -> Shop {
    let shop = Shop::open().await;
    shop.fakes.answer(GET_OWN, |_: GetBuyerOrderRequest| Ok(BuyerOrder::default()));
    shop.fakes.answer("/korob.orders.v1.OrderService/GetOrder", |_: GetOrderRequest| Ok(Order::default()));
    shop
}

fn buyer(life: Duration) -> Buyer {
    let expire_time = Clock::system().now() + TimeDelta::from_std(life).unwrap();
    Buyer { shop: ShopId::new(), customer: CustomerId::new(), expire_time }
}

/// In which languages an order is asked for with this query and these headers.
async fn languages_asked(shop: &Shop, query: &str, headers: &[&str]) -> String {
    let token = shop.fakes.buyer_tokens().issue(&buyer(Duration::from_secs(60)));
    let asking = shop.ask_anonymously(Method::GET, &format!("{OWN_PATH}{query}"));
    let asking = asking.header("authorization", &format!("Bearer {token}"));
    let asking = headers.iter().fold(asking, |asking, value| asking.header("accept-language", value));
    let answer = asking.send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let asked = shop.fakes.asked(GET_OWN).pop().unwrap().messages.remove(0);
    GetBuyerOrderRequest::decode(asked).unwrap().language
}

async fn ask(shop: &Shop, path: &str, secret: &str) -> Answer {
    let asking = shop.ask_anonymously(Method::GET, path);
    asking.header("authorization", &format!("Bearer {secret}")).send().await
}

#[tokio::test]
async fn a_token_becomes_the_buyer_of_its_shop() {
    let shop = open().await;
    let buyer = buyer(Duration::from_secs(60));
    let answer = ask(&shop, OWN_PATH, &shop.fakes.buyer_tokens().issue(&buyer)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);

    let caller = shop.fakes.asked(GET_OWN).remove(0).call.caller;
    assert_eq!(caller.actor, Actor::Buyer(buyer.customer));
    assert_eq!(caller.shops.single(), Some(buyer.shop));
    assert_eq!(caller.scopes, ["buyer.read"]);
    assert_eq!(shop.key_questions(), 0, "a token is checked here, whatever becomes of the access service");
}

#[tokio::test]
async fn the_browser_says_which_languages_its_reader_prefers() {
    let shop = open().await;
    for (headers, languages) in [
        (&["uk"][..], "uk"),
        (&["uk-UA,uk;q=0.9,ru;q=0.8,en;q=0.7"], "uk-UA, uk, ru, en"),
        (&["en;q=0.5, ru;q=0.8, uk"], "uk, ru, en"),
        (&["en;q=0.25", "ru ; Q=0.250, uk;q=0.3"], "uk, en, ru"),
        (&["ru;q=0, en;q=0.001, *;q=0.1"], "en"),
        (&["uk;q=1.000, en;q=1.1, ru;q=.5, pl;q=0.1234, de;level=1"], "uk"),
        (&["ukrainian-language, u k, en_GB, -, ;q=1"], ""),
        (&["*"], ""),
        (&[""], ""),
        (&[], ""),
    ] {
        assert_eq!(languages_asked(&shop, "", headers).await, languages, "{headers:?}");
    }
    let all_of_them = vec!["zh-Hans-CN"; 100].join(",");
    let told = languages_asked(&shop, "", &[&all_of_them]).await;
    assert!((150..=200).contains(&told.len()), "services read no more: {told}");
}

#[tokio::test]
async fn a_query_that_names_languages_counts_for_more_than_the_browser() {
    let shop = open().await;
    assert_eq!(languages_asked(&shop, "?language=en", &["uk"]).await, "en");
    assert_eq!(languages_asked(&shop, "?language=en;q%3D0.5,%20ru", &["uk"]).await, "en;q=0.5, ru");
    assert_eq!(languages_asked(&shop, "?language=", &["uk"]).await, "uk");
}

#[tokio::test]
async fn a_token_opens_no_door_of_keys_and_a_key_none_of_buyers() {
    let shop = open().await;
    let token = shop.fakes.buyer_tokens().issue(&buyer(Duration::from_secs(60)));
    for path in ["/v1/orders/ord_1", "/v1/orders", "/v1/shops", "/v1/feeds/yml", "/v1/shipments/shm_1/label"]
    {
        ask(&shop, path, &token).await.expect_problem(403, "KEY_METHOD");
    }
    // Even a key that holds, or claims, whatever a buyer has.
    shop.add_key("greedy", &["buyer.read", "orders.read", "*"], 100);
    ask(&shop, OWN_PATH, "greedy").await.expect_problem(403, "BUYER_METHOD");
    ask(&shop, OWN_PATH, SECRET).await.expect_problem(403, "BUYER_METHOD");
    assert!(shop.fakes.asked(GET_OWN).is_empty());

    let none = shop.ask_anonymously(Method::GET, OWN_PATH).send().await;
    none.expect_problem(401, "TOKEN_REQUIRED");
    assert_eq!(none.header("www-authenticate"), "Bearer realm=\"korob\"");
}

#[tokio::test]
async fn a_key_that_looks_like_a_token_is_no_key() {
    let shop = open().await;
    shop.add_key("kbt_pretender", &["orders.read"], 100);
    ask(&shop, "/v1/orders/ord_1", "kbt_pretender").await.expect_problem(401, "TOKEN_INVALID");
    assert_eq!(shop.key_questions(), 0);
}

#[tokio::test]
async fn forged_foreign_and_expired_tokens_are_refused() {
    let shop = open().await;
    let tokens = shop.fakes.buyer_tokens();
    let genuine = tokens.issue(&buyer(Duration::from_secs(60)));
    let foreign =
        BuyerTokens::new(&CallerKeys::random(), Clock::system()).issue(&buyer(Duration::from_secs(60)));
    let forged = format!("{}{}", &genuine[..genuine.len() - 8], "AAAAAAAA");
    for token in [foreign.as_str(), forged.as_str(), "kbt_", "kbt_AAAA", &genuine[..40]] {
        ask(&shop, OWN_PATH, token).await.expect_problem(401, "TOKEN_INVALID");
    }
    let expired =
        Buyer { expire_time: Clock::system().now() - TimeDelta::seconds(2), ..buyer(Duration::ZERO) };
    ask(&shop, OWN_PATH, &tokens.issue(&expired)).await.expect_problem(401, "TOKEN_EXPIRED");
    assert!(shop.fakes.asked(GET_OWN).is_empty());
}

#[tokio::test]
async fn guessing_ends_and_genuine_tokens_go_on() {
    let shop = open().await;
    for at in 0..20 {
        ask(&shop, OWN_PATH, &format!("kbt_guess{at}")).await.expect_problem(401, "TOKEN_INVALID");
    }
    ask(&shop, OWN_PATH, "kbt_guess20").await.expect_problem(429, "TOO_MANY_WRONG_KEYS");
    let token = shop.fakes.buyer_tokens().issue(&buyer(Duration::from_secs(60)));
    assert_eq!(ask(&shop, OWN_PATH, &token).await.status, 200);
}

#[tokio::test]
async fn all_tokens_of_a_buyer_share_one_rate() {
    let shop = Shop::open_with(|settings| settings.limits.buyer_requests_per_second_max = 2).await;
    shop.fakes.answer(GET_OWN, |_: GetBuyerOrderRequest| Ok(BuyerOrder::default()));
    let tokens = shop.fakes.buyer_tokens();
    let busy = buyer(Duration::from_secs(60));
    let issue = |seconds| {
        tokens.issue(&Buyer { expire_time: busy.expire_time + TimeDelta::seconds(seconds), ..busy })
    };
    for seconds in 0..4 {
        assert_eq!(ask(&shop, OWN_PATH, &issue(seconds)).await.status, 200);
    }
    ask(&shop, OWN_PATH, &issue(9)).await.expect_problem(429, "RATE_LIMITED");
    let other = tokens.issue(&buyer(Duration::from_secs(60)));
    assert_eq!(ask(&shop, OWN_PATH, &other).await.status, 200);
}
