//! Clients that are slow, greedy or lie about what they send: each is closed or refused within its named limit, takes
//! little, and nobody else notices. (S8, S9)

use std::net::SocketAddr;
use std::time::Duration;

use http::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::client::Client;
use crate::processes;
use crate::suite::Suite;

/// The limits of the suite under test: `slow_and_greedy_clients_harm_nobody` starts it with these.
pub const LIMITS: &str = "[gateway.limits]\nheader_ms_max = 1500\nbody_ms_max = 1500\nwrite_stall_ms_max = 1500\n\
                          delivery_ms_max = 3000\nidle_ms_max = 3000\n";
/// The longest of them, the second between two looks, and patience with a busy machine.
const CLOSED_WITHIN: Duration = Duration::from_secs(15);
/// Slow clients of each kind.
const CROWD: usize = 120;
/// Memory that a crowd may cost; a debug build's buffers included.
const MEMORY_GROWTH_MIB_MAX: u64 = 64;
/// Requests of the well-behaved client meanwhile.
const REQUESTS: usize = 20;

/// Hundreds of clients that never come to an end.
pub async fn slow_clients(suite: &Suite) {
    let gateway = address(suite);
    let before = (processes::descriptors(suite.pid()), processes::memory_mib(suite.pid()));
    let authorization = format!("Authorization: Bearer {}", suite.key);
    let post = format!(
        "POST /v1/orders HTTP/1.1\r\nHost: x\r\n{authorization}\r\nContent-Type: application/json\r\n"
    );
    let behaviours = [
        ("says nothing", String::new()),
        ("says half a word", "GE".to_owned()),
        ("sends half a header", "GET /v1/orders HTTP/1.1\r\nHost: x\r\nX-Slow: ".to_owned()),
        ("sends half a body", format!("{post}Content-Length: 100\r\n\r\n{{")),
        ("sends half a chunk", format!("{post}Transfer-Encoding: chunked\r\n\r\n64\r\n{{")),
        ("asks and does not read", "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(40)),
        ("asks once and stays", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".to_owned()),
    ];
    let mut crowd = JoinSet::new();
    for (behaviour, text) in behaviours {
        for _ in 0..CROWD {
            let text = text.clone();
            crowd.spawn(async move {
                let mut stream = TcpStream::connect(gateway).await.unwrap();
                let _ = stream.write_all(text.as_bytes()).await;
                // What it was answered stays unread until the gateway has given it up.
                tokio::time::sleep(Duration::from_secs(5)).await;
                let mut heard = Vec::new();
                let closed = tokio::time::timeout(CLOSED_WITHIN, stream.read_to_end(&mut heard)).await;
                (behaviour, closed.is_ok())
            });
        }
    }
    let client = Client::new(suite.url());
    for _ in 0..REQUESTS {
        let answer = client.ask(&Method::GET, "/v1/orders", Some(&suite.key), None).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    while let Some(one) = crowd.join_next().await {
        let (behaviour, closed) = one.unwrap();
        assert!(closed, "a client that {behaviour} is held for ever");
    }
    nothing_stays(suite, before).await;
}

/// Drops of a header and of a body that keep coming, but never end.
pub async fn drops_that_keep_coming(suite: &Suite) {
    let gateway = address(suite);
    let authorization = format!("Authorization: Bearer {}", suite.key);
    let post = format!(
        "POST /v1/orders HTTP/1.1\r\nHost: x\r\n{authorization}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    );
    for (what, head) in
        [("header", "GET /v1/orders HTTP/1.1\r\nHost: x\r\nX-Slow: ".to_owned()), ("body", post)]
    {
        let mut stream = TcpStream::connect(gateway).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut from, mut to) = stream.split();
        let dripping = async {
            while to.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let mut heard = Vec::new();
        let hearing = async {
            let _ = from.read_to_end(&mut heard).await;
        };
        let ended = async {
            tokio::select! { () = dripping => (), () = hearing => () }
        };
        let in_time = tokio::time::timeout(CLOSED_WITHIN, ended).await;
        assert!(in_time.is_ok(), "a {what} that drips is waited for");
    }
}

/// What is too large, or is not what it says.
pub async fn oversized_and_lying(suite: &Suite) {
    let before = (processes::descriptors(suite.pid()), processes::memory_mib(suite.pid()));
    let authorization = format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", suite.key);
    let head = |more: &str| {
        format!("POST /v1/orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{authorization}{more}\r\n\r\n")
    };
    let kept = |more: &str| head(more).replace("Connection: close\r\n", "");
    // Whoever goes by the length takes the second request for a part of the first.
    let smuggled = "0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let mebibytes = |count: usize| " ".repeat(count * 1024 * 1024);
    let chunk = |bytes: usize| format!("{bytes:x}\r\n{}\r\n", " ".repeat(bytes));
    let get = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n");
    let many: String = (0..500).map(|at| format!("X-{at}: 1\r\n")).collect();
    let cases = [
        ("2 MiB", format!("{}{}", head("Content-Length: 2097152"), mebibytes(2)), "413"),
        ("a length of 2^63", head("Content-Length: 9223372036854775808"), "413"),
        ("a length that is no number", head("Content-Length: many"), "400"),
        ("a negative length", head("Content-Length: -1"), "400"),
        ("two lengths", head("Content-Length: 1\r\nContent-Length: 2"), "400"),
        (
            "a length and chunks",
            format!("{}{smuggled}", kept("Content-Length: 5\r\nTransfer-Encoding: chunked")),
            "400",
        ),
        (
            "chunks and a length",
            format!("{}{smuggled}", kept("Transfer-Encoding: chunked\r\nContent-Length: 5")),
            "400",
        ),
        ("a shorter length than the body", format!("{}{{}}GET / HTTP/1.1", head("Content-Length: 2")), "400"),
        ("a longer length than the body", format!("{}{{}}", head("Content-Length: 100")), "408"),
        (
            "chunks without end",
            format!("{}{}", head("Transfer-Encoding: chunked"), chunk(64 * 1024).repeat(40)),
            "413",
        ),
        ("chunks that are none", format!("{}zz\r\n", head("Transfer-Encoding: chunked")), "400"),
        ("a chunk of 2^64", format!("{}ffffffffffffffffff\r\n", head("Transfer-Encoding: chunked")), "400"),
        ("an encoding that nobody knows", head("Transfer-Encoding: gzip"), "400"),
        (
            "a compressed body",
            format!("{}\u{1f}", head("Content-Encoding: gzip\r\nContent-Length: 1")),
            "415",
        ),
        (
            "a body compressed twice",
            format!("{}\u{1f}", head("Content-Encoding: gzip, br\r\nContent-Length: 1")),
            "415",
        ),
        (
            "a header of a mebibyte",
            get("/healthz", &format!("X-Large: {}\r\n", "x".repeat(1024 * 1024))),
            "431",
        ),
        ("five hundred headers", get("/healthz", &many), "431"),
        ("a URL of a mebibyte", get(&format!("/{}", "x".repeat(1024 * 1024)), ""), "4"),
        ("a header without a name", get("/healthz", ": x\r\n"), "400"),
        ("a header with a line of its own", get("/healthz", "X: a\r\n b: c\r\n"), "400"),
        ("no HTTP", "\u{0}\u{1}\u{2}\u{3}\r\n\r\n".repeat(10), "400"),
        ("another version", "GET / HTTP/9.9\r\n\r\n".to_owned(), "400"),
        ("TLS", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}fc\u{3}\u{3}".repeat(3), "400"),
    ];
    for (what, text, status) in cases {
        let (answer, closed) = say(suite, text.as_bytes()).await;
        assert!(closed, "{what}: the connection stays open after {answer:.200}");
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{what} is answered twice: {answer:.600}");
        // Whoever still sends when the gateway has closed may lose the answer.
        let said = answer.is_empty() || answer.starts_with(&format!("HTTP/1.1 {status}"));
        assert!(said && !answer.starts_with("HTTP/1.1 5"), "{what}: {answer:.300}");
        let others = Client::new(suite.url()).ask(&Method::GET, "/v1/orders", Some(&suite.key), None).await;
        assert_eq!(others.status, 200, "after {what}: {}", others.text);
    }
    nothing_stays(suite, before).await;
}

/// Sends bytes, and answers what was heard and whether the gateway closed.
async fn say(suite: &Suite, bytes: &[u8]) -> (String, bool) {
    let mut stream = TcpStream::connect(address(suite)).await.unwrap();
    let (mut from, mut to) = stream.split();
    let mut heard = Vec::new();
    let exchange = async {
        // Both at once: whoever only sends never hears why he is closed.
        let (_, _) = tokio::join!(to.write_all(bytes), from.read_to_end(&mut heard));
    };
    let closed = tokio::time::timeout(CLOSED_WITHIN, exchange).await.is_ok();
    (String::from_utf8_lossy(&heard).into_owned(), closed)
}

/// Descriptors come back, memory is bounded.
async fn nothing_stays(suite: &Suite, (descriptors, memory): (usize, u64)) {
    testing::eventually("the connections are gone", async || {
        (processes::descriptors(suite.pid()) <= descriptors + 16).then_some(())
    })
    .await;
    let now = processes::memory_mib(suite.pid());
    assert!(now <= memory + MEMORY_GROWTH_MIB_MAX, "{memory} MiB became {now} MiB");
}

fn address(suite: &Suite) -> SocketAddr {
    suite.url().strip_prefix("http://").unwrap().parse().unwrap()
}
