//! Slow, silent and greedy clients, and an orderly end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use proto::orders::v1::{GetOrderRequest, Order, PlaceOrderRequest, PlaceOrderResponse};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::shop::{SECRET, Shop};

async fn impatient() -> Shop {
    Shop::open_with(|settings| {
        settings.limits.header_ms_max = 300;
        settings.limits.body_ms_max = 300;
        settings.limits.write_stall_ms_max = 300;
        settings.limits.idle_ms_max = 300;
    })
    .await
}

/// Sends `text`, waits until the gateway closes, and tells how long that took and what came.
async fn send_and_wait(shop: &Shop, text: &[u8]) -> (Duration, String) {
    let mut stream = TcpStream::connect(shop.address).await.unwrap();
    stream.write_all(text).await.unwrap();
    let started = Instant::now();
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
    assert!(closed.is_ok(), "the connection stayed open");
    (started.elapsed(), String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn half_sent_headers_are_closed_in_time() {
    let shop = impatient().await;
    for text in ["", "P", "PRI * HTTP/2.0\r\n", "GET /v1/orders HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
        let (waited, _) = send_and_wait(&shop, text.as_bytes()).await;
        assert!(waited < Duration::from_secs(2), "{text:?} was held for {waited:?}");
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let shop = impatient().await;
    let (waited, answer) = send_and_wait(&shop, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200") && waited < Duration::from_secs(2), "{waited:?} {answer}");
}

#[tokio::test]
async fn a_proxy_may_keep_its_connection_between_requests() {
    let shop = Shop::open_with(|settings| settings.limits.header_ms_max = 300).await;
    let mut stream = TcpStream::connect(shop.address).await.unwrap();
    for _ in 0..2 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let mut rest = vec![0; 4096];
        assert!(stream.read(&mut rest).await.unwrap() > 0);
    }
    // A header that begins on a kept connection must end in time as well.
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let mut said = Vec::new();
    tokio::time::timeout(Duration::from_secs(3), stream.read_to_end(&mut said)).await.unwrap().unwrap();
    assert!(said.is_empty());
}

#[tokio::test]
async fn a_slow_body_is_given_up() {
    let shop = impatient().await;
    let head = format!(
        "POST /v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
    );
    let (waited, answer) = send_and_wait(&shop, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("BODY_TOO_SLOW"), "{answer}");
    assert!(waited < Duration::from_secs(2));
}

#[tokio::test]
async fn an_endless_body_without_a_length_is_refused() {
    let shop = Shop::open_with(|settings| settings.limits.body_bytes_max = 10_000).await;
    let mut text = format!(
        "POST /v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    for _ in 0..20 {
        text.push_str(&format!("3e8\r\n{}\r\n", " ".repeat(1000)));
    }
    let (_, answer) = send_and_wait(&shop, text.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("BODY_TOO_LARGE"), "{answer}");
}

#[tokio::test]
async fn large_and_many_headers_are_refused() {
    let shop = impatient().await;
    let large = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Large: {}\r\n\r\n", "x".repeat(64 * 1024));
    let many: String = (0..100).map(|at| format!("X-{at}: 1\r\n")).collect();
    let many = format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{many}\r\n");
    for text in [large, many] {
        let mut stream = TcpStream::connect(shop.address).await.unwrap();
        // The gateway may close before all of it is sent.
        let _ = stream.write_all(text.as_bytes()).await;
        let mut answer = [0; 12];
        if stream.read_exact(&mut answer).await.is_ok() {
            assert_eq!(&answer, b"HTTP/1.1 431", "{:.60}", text);
        }
    }
}

#[tokio::test]
async fn more_in_flight_than_allowed_are_told_to_come_back() {
    let shop = Shop::open_with(|settings| settings.limits.in_flight_max = 0).await;
    let answer = shop.get("/v1/orders/o").await;
    answer.expect_problem(503, "OVERLOADED");
    let mut retry_after = BTreeSet::new();
    for _ in 0..60 {
        let answer = shop.post("/v1/orders", "{}").await;
        answer.expect_problem(503, "OVERLOADED");
        retry_after.insert(answer.header("retry-after").to_owned());
    }
    assert_eq!(retry_after, ["1", "2", "3"].map(str::to_owned).into(), "not all come back together");
    assert_eq!(shop.key_questions(), 0, "to refuse costs no call");
    assert!(shop.fakes.asked("/korob.orders.v1.OrderService/PlaceOrder").is_empty());
    assert_eq!(shop.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_crowd_that_comes_at_once_finds_room_in_the_queue() {
    let shop = Shop::open_with(|settings| settings.limits.connections_max = 1).await;
    let mut crowd = Vec::new();
    let coming = async {
        // One of them is served, and nobody else is accepted meanwhile.
        while crowd.len() < 500 {
            crowd.push(TcpStream::connect(shop.address).await.unwrap());
        }
    };
    let came = tokio::time::timeout(Duration::from_secs(20), coming).await;
    assert!(came.is_ok(), "{} are connected, the next one is not", crowd.len());
}

#[tokio::test]
async fn what_may_be_shed_is_refused_first() {
    // Four places: half of them are kept from what may be shed, none from what is critical.
    let shop = Arc::new(Shop::open_with(|settings| settings.limits.in_flight_max = 4).await);
    shop.fakes.answer("/korob.orders.v1.OrderService/PlaceOrder", |_: PlaceOrderRequest| {
        Ok(PlaceOrderResponse::default())
    });
    let slow = format!(
        "POST /v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{{"
    );
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(shop.address).await.unwrap();
        stream.write_all(slow.as_bytes()).await.unwrap();
        held.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    shop.get("/v1/orders").await.expect_problem(503, "OVERLOADED");
    assert_eq!(shop.post("/v1/orders", "{}").await.status, 201);
}

#[tokio::test]
async fn http_2_is_served() {
    let shop = Shop::open().await;
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let request =
        http::Request::get(format!("http://{}/healthz", shop.address)).body(Empty::<bytes::Bytes>::new());
    let answer = client.request(request.unwrap()).await.unwrap();
    assert_eq!((answer.version(), answer.status().as_u16()), (http::Version::HTTP_2, 200));
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed() {
    let shop = impatient().await;
    shop.fakes.answer("/korob.orders.v1.OrderService/GetOrder", |_: GetOrderRequest| {
        Ok(Order { comment: "x".repeat(12 * 1024 * 1024), ..Default::default() })
    });
    let mut stream = TcpStream::connect(shop.address).await.unwrap();
    let head = format!("GET /v1/orders/o HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut read = Vec::new();
    let outcome = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut read)).await;
    assert!(outcome.is_ok() && read.len() < 12 * 1024 * 1024, "{} bytes came", read.len());
}

/// Asks over HTTP/2 with a window so small that the answer waits for the client.
async fn ask_with_small_window(shop: &Shop, path: &str) -> http::Response<hyper::body::Incoming> {
    let mut builder = Client::builder(TokioExecutor::new());
    builder.http2_only(true).http2_initial_stream_window_size(100).http2_initial_connection_window_size(100);
    let request = http::Request::get(format!("http://{}{path}", shop.address))
        .header("authorization", format!("Bearer {SECRET}"))
        .body(Empty::<bytes::Bytes>::new())
        .unwrap();
    builder.build_http().request(request).await.unwrap()
}

#[tokio::test]
async fn an_answer_over_http_2_that_is_not_taken_ends_the_connection() {
    let shop = Shop::open_with(|settings| settings.limits.delivery_ms_max = 500).await;
    shop.fakes.answer("/korob.orders.v1.OrderService/GetOrder", |_: GetOrderRequest| {
        Ok(Order { comment: "x".repeat(1024 * 1024), ..Default::default() })
    });
    let answer = ask_with_small_window(&shop, "/v1/orders/o").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(answer.into_body().collect().await.is_err());
}

#[tokio::test]
async fn an_idle_http_2_connection_is_closed() {
    let shop = Shop::open_with(|settings| settings.limits.idle_ms_max = 500).await;
    let stream = TokioIo::new(TcpStream::connect(shop.address).await.unwrap());
    let (_sender, connection) =
        hyper::client::conn::http2::handshake::<_, _, Empty<bytes::Bytes>>(TokioExecutor::new(), stream)
            .await
            .unwrap();
    let started = Instant::now();
    tokio::time::timeout(Duration::from_secs(10), connection).await.unwrap().unwrap();
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

#[tokio::test]
async fn slow_clients_harm_nobody_else() {
    let shop = Shop::open_with(|settings| settings.limits.header_ms_max = 1000).await;
    shop.fakes.answer("/korob.orders.v1.OrderService/GetOrder", |_: GetOrderRequest| Ok(Order::default()));
    let mut slow = Vec::new();
    for _ in 0..300 {
        let mut stream = TcpStream::connect(shop.address).await.unwrap();
        stream.write_all(b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
        slow.push(stream);
    }
    for _ in 0..20 {
        let started = Instant::now();
        assert_eq!(shop.get("/v1/orders/o").await.status, 200);
        assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
    }
    let closed = async {
        for mut stream in slow {
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), closed).await.unwrap();
}

#[tokio::test]
async fn running_requests_finish_when_the_gateway_stops() {
    let shop = Shop::open().await;
    shop.fakes.answer("/korob.orders.v1.OrderService/PlaceOrder", |_: PlaceOrderRequest| {
        Ok(PlaceOrderResponse::default())
    });
    let mut running = TcpStream::connect(shop.address).await.unwrap();
    let head = format!(
        "POST /v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{"
    );
    running.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    shop.shutdown.cancel();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(shop.address).await.is_err());

    running.write_all(b"}").await.unwrap();
    let mut answer = String::new();
    running.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    tokio::time::timeout(Duration::from_secs(5), shop.serving.finished()).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_on_its_way_is_answered_when_the_gateway_stops() {
    let shop = Shop::open().await;
    let request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut kept = TcpStream::connect(shop.address).await.unwrap();
    kept.write_all(request).await.unwrap();
    let mut head = [0; 12];
    kept.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    let mut fresh = TcpStream::connect(shop.address).await.unwrap();

    shop.shutdown.cancel();
    tokio::time::sleep(Duration::from_millis(50)).await;
    for connection in [&mut kept, &mut fresh] {
        connection.write_all(request).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    tokio::time::timeout(Duration::from_secs(5), shop.serving.finished()).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_still_sends_hears_why_it_was_refused() {
    let shop = Shop::open().await;
    let body = " ".repeat(2 * 1024 * 1024);
    let refused = [("", "401 "), ("wrong", "401 "), (SECRET, "413 ")];
    for (secret, status) in refused {
        let head = format!(
            "POST /v1/orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {secret}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        // Sent whole before anything is read, as simple clients do.
        let (_, answer) = send_and_wait(&shop, format!("{head}{body}").as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
}
