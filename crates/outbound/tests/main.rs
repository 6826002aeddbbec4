//! What a caller learns of a call to somebody else's system, against real sockets.

#![allow(clippy::unwrap_used)] // Tests: a failure is a panic.

mod peer;
mod reach;

use std::time::Duration;

use http::StatusCode;
use outbound::{Client, Failure, Reach, Request};

use crate::peer::{Peer, Then};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 11\r\nx-kind: test\r\n\r\n{\"done\":1}\n";

#[tokio::test]
async fn an_answer_arrives_whole_whatever_its_status() {
    let peer = Peer::that(Then::Answer("HTTP/1.1 402 Payment Required\r\ncontent-length: 2\r\n\r\nno")).await;

    let answer = client().send(Request::get(peer.url("/pay"))).await.unwrap();

    assert_eq!(answer.status, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(answer.text(), "no");
}

#[tokio::test]
async fn a_request_is_written_as_it_was_built() {
    let peer = Peer::that(Then::Answer(OK)).await;
    let request = Request::post(peer.url("/orders"))
        .query("token", "a&b=c ж")
        .basic("user", "pass")
        .header("Idempotency-Key", "att_1")
        .json(&serde_json::json!({"amount": "1.00"}));

    let answer = client().send(request).await.unwrap();

    assert_eq!(answer.json::<serde_json::Value>().unwrap()["done"], 1);
    assert_eq!(answer.header("x-kind"), Some("test"));
    let seen = peer.seen();
    assert!(seen.starts_with("POST /orders?token=a%26b%3Dc%20%D0%B6 HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains("idempotency-key: att_1\r\n"), "{seen}");
    assert!(seen.contains("authorization: Basic dXNlcjpwYXNz\r\n"), "{seen}");
    assert!(seen.ends_with("{\"amount\":\"1.00\"}"), "{seen}");
}

#[tokio::test]
async fn fields_of_a_form_are_escaped() {
    let peer = Peer::that(Then::Answer(OK)).await;

    client().send(Request::post(peer.url("/")).form(&[("a b", "1+1"), ("c", "&")])).await.unwrap();

    assert!(peer.seen().ends_with("a%20b=1%2B1&c=%26"));
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_sent() {
    let peer = Peer::that(Then::Answer(OK)).await;
    let url = peer.url("/");
    drop(peer);

    let failure = client().send(Request::post(url)).await.unwrap_err();

    assert!(failure.is_unsent(), "{failure}");
}

#[tokio::test]
async fn what_cannot_be_written_is_unsent() {
    for request in [
        Request::get("not a url"),
        Request::get("file:///etc/passwd"),
        Request::get("http://user:secret@127.0.0.1/"),
        Request::get("http://127.0.0.1:1/").header("X-Key", "two\r\nlines"),
    ] {
        let failure = client().send(request).await.unwrap_err();
        assert!(failure.is_unsent(), "{failure}");
        assert!(!failure.to_string().contains("two"), "{failure}");
    }
}

#[tokio::test]
async fn a_peer_that_hangs_up_may_have_done_it() {
    let peer = Peer::that(Then::HangUp).await;

    let failure = client().send(Request::post(peer.url("/"))).await.unwrap_err();

    assert!(matches!(failure, Failure::Unknown { .. }), "{failure}");
}

#[tokio::test]
async fn a_peer_that_is_silent_may_have_done_it() {
    let peer = Peer::that(Then::Wait).await;
    let request = Request::post(peer.url("/")).query("secret", "hush").within(Duration::from_millis(200));

    let failure = client().send(request).await.unwrap_err();

    assert!(matches!(failure, Failure::Unknown { .. }), "{failure}");
    assert!(!failure.to_string().contains("hush"), "{failure}");
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let peer = Peer::that(Then::Answer("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")).await;

    let failure = client().send(Request::post(peer.url("/"))).await.unwrap_err();

    assert!(matches!(failure, Failure::Unknown { .. }), "{failure}");
}

#[tokio::test]
async fn an_endless_answer_is_not_read() {
    let peer = Peer::that(Then::Answer(OK)).await;

    let failure = client().send(Request::get(peer.url("/")).answer_bytes_max(5)).await.unwrap_err();

    assert!(matches!(failure, Failure::Unknown { .. }), "{failure}");
}

fn client() -> Client {
    client_of(&["127.0.0.0/8"])
}

/// A client that may call these networks.
fn client_of(networks: &[&str]) -> Client {
    Client::new(Reach::with(networks)).unwrap()
}
