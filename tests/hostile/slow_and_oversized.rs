//! Clients that are slow, greedy or lie about what they send: each is closed or refused within its named limit, takes
//! little, and nobody else notices. (S8, S9)

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::Client;
use crate::processes;
use crate::suite::{Suite, server_of};

/// The limits of the suite under test: `slow_and_greedy_clients_harm_nobody` starts it with these.
pub const LIMITS: &str = "[gateway.limits]\nheader_ms_max = 2500\nbody_ms_max = 2500\nwrite_stall_ms_max = 1500\n\
                          delivery_ms_max = 3000\nidle_ms_max = 3000\n";
/// The longest of them, the second between two looks, and patience with a busy machine.
const CLOSED_WITHIN: Duration = Duration::from_secs(60);
/// Slow clients of each kind.
const CROWD: usize = 120;
/// Memory that a crowd may cost; a debug build's buffers included.
const MEMORY_GROWTH_MIB_MAX: u64 = 64;
/// Descriptors that come and go by themselves.
const DESCRIPTORS_GROWTH_MAX: usize = 16;
/// How often somebody else asks meanwhile.
const PERIOD: Duration = Duration::from_millis(250);

/// A client that stays, and reads nothing of what it is answered.
struct Visitor {
    behaviour: &'static str,
    stream: TcpStream,
}

/// What the suite holds.
#[derive(Debug)]
struct Holdings {
    descriptors: usize,
    memory_mib: u64,
}

/// Hundreds of clients that never come to an end.
pub async fn slow_clients(suite: &Suite) {
    let gateway = address(suite);
    let before = Holdings::of(suite);
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
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        for (behaviour, text) in &behaviours {
            let mut stream = TcpStream::connect(gateway).await.unwrap();
            // Whoever came first may have been closed already.
            let _ = stream.write_all(text.as_bytes()).await;
            crowd.push(Visitor { behaviour, stream });
        }
    }
    let all_there = Instant::now();
    loop {
        // Accepted after the crowd: nobody of it waits in the kernel's queue, where he would not be seen.
        others_go_on(suite, "while the crowd is there").await;
        let held = held(suite, &crowd);
        if held.is_empty() {
            break;
        }
        assert!(all_there.elapsed() < CLOSED_WITHIN, "clients are held for ever: {held:?}");
        tokio::time::sleep(PERIOD).await;
    }
    drop(crowd);
    nothing_stays(suite, &before).await;
}

/// How many of the crowd the gateway has not closed yet, by what they do. It knows them by their ports.
fn held(suite: &Suite, crowd: &[Visitor]) -> BTreeMap<&'static str, usize> {
    let gateway = address(suite).port();
    let connections = processes::connections(suite.pid());
    let peers: BTreeSet<u16> =
        connections.into_iter().filter(|(own, _)| *own == gateway).map(|(_, peer)| peer).collect();
    let mut held = BTreeMap::new();
    for visitor in crowd {
        if peers.contains(&visitor.stream.local_addr().unwrap().port()) {
            *held.entry(visitor.behaviour).or_default() += 1;
        }
    }
    held
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
    others_go_on(suite, "before anything").await;
    let before = Holdings::of(suite);
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
        others_go_on(suite, &format!("after {what}")).await;
    }
    nothing_stays(suite, &before).await;
}

/// Somebody with manners, who was not there before, is answered.
async fn others_go_on(suite: &Suite, when: &str) {
    let answer = Client::new(suite.url()).ask(&Method::GET, "/v1/orders", Some(&suite.key), None).await;
    assert_eq!(answer.status, 200, "{when}: {}", answer.text);
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

/// Descriptors and memory come back. The allocator keeps pages for some seconds.
async fn nothing_stays(suite: &Suite, before: &Holdings) {
    let begun = Instant::now();
    loop {
        let now = Holdings::of(suite);
        let given_back = now.descriptors <= before.descriptors + DESCRIPTORS_GROWTH_MAX
            && now.memory_mib <= before.memory_mib + MEMORY_GROWTH_MIB_MAX;
        if given_back {
            return;
        }
        assert!(begun.elapsed() < CLOSED_WITHIN, "{before:?} became {now:?}");
        tokio::time::sleep(PERIOD).await;
    }
}

impl Holdings {
    /// Connections to databases are not counted: pools grow when they are needed, whoever asks, and have limits of their own.
    fn of(suite: &Suite) -> Self {
        let database = server_of(suite.database_url("access")).port();
        let connections = processes::connections(suite.pid());
        let pooled = connections.into_iter().filter(|(_, peer)| *peer == database).count();
        Self {
            descriptors: processes::descriptors(suite.pid()).saturating_sub(pooled),
            memory_mib: processes::memory_mib(suite.pid()),
        }
    }
}

fn address(suite: &Suite) -> SocketAddr {
    suite.url().strip_prefix("http://").unwrap().parse().unwrap()
}
