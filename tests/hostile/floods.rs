//! HTTP/2 floods and oversized messages at the gRPC ports and at the gateway: whoever sends them is refused or closed, and
//! everybody else is answered. (S9)

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use rpc::Caller;
use tonic::Code;

use crate::client::Client;
use crate::frames::{
    self, CONTINUATION, DATA, END_HEADERS, Frames, HEADERS, PING, RST_STREAM, SETTINGS, frame,
};
use crate::ports::Port;
use crate::processes;
use crate::suite::Suite;

/// Frames of one flood.
const FLOOD: u32 = 100_000;
/// What a flood may cost a process; a debug build's buffers included.
const MEMORY_GROWTH_MIB_MAX: u64 = 48;
/// A connection that only says nothing is closed after so long: `HANDSHAKE_TIMEOUT` of the ports, and some patience.
const SILENCE: Duration = Duration::from_secs(10);

const GET_ORDER: &str = "/korob.orders.v1.OrderService/GetOrder";

/// One door, and how to see that it still opens to others.
struct Door<'a> {
    name: &'static str,
    suite: &'a Suite,
    address: SocketAddr,
    port: Port,
    statement: String,
}

pub async fn at_every_door(suite: &Suite) {
    let address = suite.port("orders");
    let statement = suite.directory.keys().sign(&Caller::operator("hostile"), "hostile", "orders");
    let port = Port::open(address).await;
    let gateway: SocketAddr = suite.url().strip_prefix("http://").unwrap().parse().unwrap();
    let service = Door { name: "orders", suite, address, port: port.clone(), statement: statement.clone() };
    let rest = Door { name: "gateway", suite, address: gateway, port, statement };

    oversized_messages(&service).await;
    for door in [&service, &rest] {
        let before = door.measure();
        for (what, bytes) in floods(&door.statement) {
            let mut flood = Frames::open(door.address).await;
            // It is up to the server whether it takes all of it or closes.
            let _ = flood.send(&bytes).await;
            door.opens_to_others(what).await;
        }
        door.is_as_before(&before).await;
    }
    silence(&service).await;
}

/// More than a port takes, however it is announced.
async fn oversized_messages(door: &Door<'_>) {
    let five_mebibytes = Bytes::from(vec![0; 5 * 1024 * 1024]);
    let answer = door.port.call(GET_ORDER, Some(&door.statement), five_mebibytes).await.unwrap_err();
    assert!(matches!(answer.code(), Code::OutOfRange | Code::ResourceExhausted), "{answer:?}");
    door.opens_to_others("5 MiB").await;
}

/// Whoever connects and says nothing is not waited for.
async fn silence(door: &Door<'_>) {
    let silent = tokio::net::TcpStream::connect(door.address).await.unwrap();
    let mut half = tokio::net::TcpStream::connect(door.address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut half, b"PRI * HTTP").await.unwrap();
    for mut stream in [silent, half] {
        let mut heard = Vec::new();
        let closing = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut heard);
        let closed = tokio::time::timeout(SILENCE, closing).await;
        assert!(closed.is_ok(), "{} waits for whoever says nothing", door.name);
    }
    door.opens_to_others("silence").await;
}

/// Each is one stream of bytes for one connection.
fn floods(statement: &str) -> Vec<(&'static str, Vec<u8>)> {
    let grpc = [("te", "trailers"), ("content-type", "application/grpc"), (rpc::CALLER_HEADER, statement)];
    let head = frames::post(GET_ORDER, &grpc);
    let mut resets = Vec::new();
    for stream in (1..FLOOD * 2).step_by(2).take(FLOOD as usize / 10) {
        resets.extend(frame(HEADERS, END_HEADERS, stream, &head));
        resets.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
    }
    let mut tiny = frame(HEADERS, END_HEADERS, 1, &head);
    tiny.extend(frame(DATA, 0, 1, &[]).repeat(FLOOD as usize));
    let mut crumbs = frame(HEADERS, END_HEADERS, 1, &head);
    crumbs.extend(frame(DATA, 0, 1, &[0]).repeat(FLOOD as usize));
    let mut endless_head = frame(HEADERS, 0, 1, &frames::post(GET_ORDER, &[("x-first", "1")]));
    let more = frames::post(GET_ORDER, &[("x-more", &"x".repeat(1_000))]);
    endless_head.extend(frame(CONTINUATION, 0, 1, &more[2..]).repeat(2_000));
    vec![
        ("streams that are reset at once", resets),
        ("empty DATA frames", tiny),
        ("DATA frames of a byte", crumbs),
        ("a header without end", endless_head),
        ("pings", frame(PING, 0, 0, &[0; 8]).repeat(FLOOD as usize)),
        ("settings", frame(SETTINGS, 0, 0, &[]).repeat(FLOOD as usize)),
        ("a frame larger than allowed", frame(DATA, 0, 1, &vec![0; 1024 * 1024])),
        ("DATA of a stream that nobody opened", frame(DATA, 0, 77, &[0; 100])),
    ]
}

impl Door<'_> {
    async fn opens_to_others(&self, after: &str) {
        let name = self.name;
        let client = Client::new(self.suite.url());
        let answer = client.ask(&Method::GET, "/v1/orders", Some(&self.suite.key), None).await;
        assert_eq!(answer.status, 200, "{name} after {after}: {}", answer.text);
        let answer = self.port.call(GET_ORDER, Some(&self.statement), Bytes::new()).await.unwrap_err();
        assert_eq!(answer.code(), Code::InvalidArgument, "{name} after {after}: {answer:?}");
    }

    /// Descriptors and memory of every process.
    fn measure(&self) -> Vec<(u32, usize, u64)> {
        let pids = self.suite.pids();
        pids.into_iter().map(|pid| (pid, processes::descriptors(pid), processes::memory_mib(pid))).collect()
    }

    async fn is_as_before(&self, before: &[(u32, usize, u64)]) {
        let name = self.name;
        for (pid, descriptors, memory) in before {
            testing::eventually("the connections are gone", async || {
                (processes::descriptors(*pid) <= descriptors + 16).then_some(())
            })
            .await;
            let now = processes::memory_mib(*pid);
            assert!(now <= memory + MEMORY_GROWTH_MIB_MAX, "{name}: {memory} MiB became {now} MiB");
        }
    }
}
