//! What providers and carriers tell reaches the service as it was sent, from whom it was sent, and in bounds.

use http::Method;
use prost::Message as _;
use proto::delivery::v1::{ReceiveCarrierWebhookRequest, ReceiveCarrierWebhookResponse};
use proto::payments::v1::{ReceiveProviderWebhookRequest, ReceiveProviderWebhookResponse};
use rpc::{Actor, Fault};
use tokio::io::AsyncWriteExt as _;
use tonic::{Code, Status};

use crate::shop::Shop;

const PAYMENTS: &str = "/korob.payments.v1.PaymentService/ReceiveProviderWebhook";
const CARRIERS: &str = "/korob.delivery.v1.DeliveryService/ReceiveCarrierWebhook";
const ACCOUNT: &str = "pac_0192f0a1b2c3d4e5f60718293a4b5c6d";

async fn open() -> Shop {
    let shop = Shop::open_with(|settings| {
        settings.limits.webhooks_per_second_max = 5;
        settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    shop.fakes
        .answer(PAYMENTS, |_: ReceiveProviderWebhookRequest| Ok(ReceiveProviderWebhookResponse::default()));
    shop.fakes
        .answer(CARRIERS, |_: ReceiveCarrierWebhookRequest| Ok(ReceiveCarrierWebhookResponse::default()));
    shop
}

#[tokio::test]
async fn a_notification_arrives_as_it_was_sent() {
    let shop = open().await;
    // No JSON, no text: only the service knows what the sender speaks.
    let body = b"{\"paid\" : true}\n\0\xff".to_vec();
    let answer = shop
        .ask_anonymously(Method::POST, &format!("/v1/webhooks/payments/{ACCOUNT}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("X-Provider-Signature", "t=1,v1=abc")
        .header("x-twice", "one")
        .header("x-twice", "two")
        .header("authorization", "Basic dXNlcjpwYXNz")
        .header("cookie", "session=1")
        .header("x-forwarded-for", "10.9.9.9, 203.0.113.7")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .body(body.clone())
        .send()
        .await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));

    let asked = shop.fakes.asked(PAYMENTS).remove(0);
    let told = ReceiveProviderWebhookRequest::decode(asked.messages[0].clone()).unwrap();
    assert_eq!((told.provider_account_id.as_str(), &told.body), (ACCOUNT, &body));
    assert_eq!(told.peer_address, "203.0.113.7", "the last address that no trusted proxy wrote");
    let headers: Vec<(&str, &str)> =
        told.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        headers,
        [
            ("authorization", "Basic dXNlcjpwYXNz"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-provider-signature", "t=1,v1=abc"),
            ("x-twice", "one, two"),
        ]
    );
    assert_eq!(asked.call.caller.actor, Actor::Service("gateway".to_owned()));
    assert_eq!(asked.call.trace.trace_id(), "0af7651916cd43dd8448eb211c80319c");
}

#[tokio::test]
async fn carriers_have_a_path_of_their_own() {
    let shop = open().await;
    let asking = shop.ask_anonymously(Method::POST, "/v1/webhooks/carriers/cac_1").body("moved");
    assert_eq!(asking.send().await.status, 200);
    let told = shop.fakes.asked(CARRIERS).remove(0).messages.remove(0);
    let told = ReceiveCarrierWebhookRequest::decode(told).unwrap();
    assert_eq!((told.carrier_account_id.as_str(), told.body.as_slice()), ("cac_1", &b"moved"[..]));
    assert_eq!(told.peer_address, "127.0.0.1");
    assert!(shop.fakes.asked(PAYMENTS).is_empty());
}

#[tokio::test]
async fn an_invalid_signature_is_unauthorized() {
    let shop = open().await;
    shop.fakes.answer::<ReceiveProviderWebhookRequest, ReceiveProviderWebhookResponse>(PAYMENTS, |told| {
        Err(match told.body.as_slice() {
            b"forged" => Fault::new(Code::Unauthenticated, "INVALID_SIGNATURE", "not genuine").into(),
            b"down" => Status::unavailable("restarting"),
            _ => Fault::new(Code::NotFound, "PAYMENT_ACCOUNT_NOT_FOUND", "there is none").into(),
        })
    });
    let tell = async |body: &'static str| {
        let path = format!("/v1/webhooks/payments/{ACCOUNT}");
        shop.ask_anonymously(Method::POST, &path).body(body).send().await
    };
    tell("forged").await.expect_problem(401, "INVALID_SIGNATURE");
    tell("lost").await.expect_problem(404, "PAYMENT_ACCOUNT_NOT_FOUND");
    // The sender sends again: nothing was kept.
    assert_eq!(tell("down").await.expect_problem(503, "UNAVAILABLE")["status"], 503);
}

#[tokio::test]
async fn what_is_too_large_too_much_or_no_account_does_not_get_in() {
    let shop = open().await;
    let tell = async |account: &str, body: Vec<u8>| {
        let path = format!("/v1/webhooks/payments/{account}");
        shop.ask_anonymously(Method::POST, &path).body(body).send().await
    };
    assert_eq!(tell("pac_large", vec![b'x'; 1024 * 1024]).await.status, 200);
    tell("pac_large", vec![b'x'; 1024 * 1024 + 1]).await.expect_problem(413, "BODY_TOO_LARGE");
    tell(&"x".repeat(65), vec![]).await.expect_problem(404, "NOT_FOUND");
    tell("pac%00", vec![]).await.expect_problem(404, "NOT_FOUND");
    tell("a/b", vec![]).await.expect_problem(404, "UNKNOWN_PATH");
    let get = shop.get(&format!("/v1/webhooks/payments/{ACCOUNT}")).await;
    get.expect_problem(405, "METHOD_NOT_ALLOWED");
    assert_eq!(get.header("allow"), "OPTIONS, POST");

    for _ in 0..10 {
        assert_eq!(tell("pac_busy", vec![]).await.status, 200);
    }
    let refused = tell("pac_busy", vec![]).await;
    refused.expect_problem(429, "RATE_LIMITED");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(
        tell("pac_quiet", vec![]).await.status,
        200,
        "one account does not take the place of the others"
    );
}

#[tokio::test]
async fn who_floods_an_account_does_not_silence_the_provider() {
    let shop = open().await;
    let tell = async |from: &str| {
        let asking = shop.ask_anonymously(Method::POST, &format!("/v1/webhooks/payments/{ACCOUNT}"));
        asking.header("x-forwarded-for", from).send().await
    };
    for _ in 0..10 {
        assert_eq!(tell("203.0.113.66").await.status, 200);
    }
    tell("203.0.113.66").await.expect_problem(429, "RATE_LIMITED");
    assert_eq!(tell("203.0.113.7").await.status, 200);
}

#[tokio::test]
async fn webhooks_do_not_take_the_places_of_others() {
    let shop = Shop::open_with(|settings| settings.limits.webhooks_max = 1).await;
    shop.fakes.answer("/korob.orders.v1.OrderService/GetOrder", |_: proto::orders::v1::GetOrderRequest| {
        Ok(proto::orders::v1::Order::default())
    });
    // One that never ends its body.
    let mut slow = tokio::net::TcpStream::connect(shop.address).await.unwrap();
    let head =
        format!("POST /v1/webhooks/payments/{ACCOUNT} HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n1");
    slow.write_all(head.as_bytes()).await.unwrap();
    let path = "/v1/webhooks/payments/pac_other";
    let mut refused = shop.ask_anonymously(Method::POST, path).send().await;
    for _ in 0..50 {
        if refused.status == 503 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        refused = shop.ask_anonymously(Method::POST, path).send().await;
    }
    refused.expect_problem(503, "OVERLOADED");
    assert_eq!(shop.get("/v1/orders/o").await.status, 200);
}

#[tokio::test]
async fn a_failure_inside_says_nothing_of_what_was_sent() {
    let shop = open().await;
    shop.fakes.answer::<ReceiveProviderWebhookRequest, ReceiveProviderWebhookResponse>(PAYMENTS, |_| {
        Err(Status::internal("card 4111111111111111 of Olena failed"))
    });
    let path = format!("/v1/webhooks/payments/{ACCOUNT}");
    let answer = shop.ask_anonymously(Method::POST, &path).body("4111111111111111").send().await;
    answer.expect_problem(500, "INTERNAL");
    assert!(!answer.text.contains("4111"), "{}", answer.text);
}
