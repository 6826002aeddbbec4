//! Several processes of one service: calls are shared among those that can be reached, and none is lost while they come and go.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use proto::customers::v1::Customer;
use proto::customers::v1::customer_service_client::CustomerServiceClient;
use rpc::{BoundChannel, Call, Caller, Channel, Directory, RemoteSettings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::desk::{Port, asking, keys};

/// Calls of one test; enough that every replica would have had some.
const CALLS: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_shared_by_all_replicas() {
    let ports = [Port::open().await, Port::open().await, Port::open().await];
    let channel = channel(&list(&ports));
    for _ in 0..CALLS {
        ask(&channel, "anybody").await.expect("an answer");
    }
    let served: Vec<usize> = ports.iter().map(Port::ended).collect();
    assert_eq!(served.iter().sum::<usize>(), CALLS);
    assert!(served.iter().all(|served| *served > CALLS / 5), "{served:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_busy_gets_less() {
    let ports = [Port::open().await, Port::open().await];
    let channel = channel(&list(&ports));
    let mut slow = JoinSet::new();
    // One of them has a long call, whichever it is.
    slow.spawn({
        let channel = channel.clone();
        async move { ask(&channel, "slow").await.map(drop) }
    });
    testing::eventually("the call is under way", async || {
        ports.iter().any(|port| port.begun() > 0).then_some(())
    })
    .await;
    let busy = usize::from(ports[1].begun() > 0);
    for _ in 0..CALLS {
        ask(&channel, "anybody").await.expect("an answer");
    }
    assert_eq!((ports[busy].begun(), ports[1 - busy].begun()), (1, CALLS));
    slow.join_next().await.expect("it runs").expect("no panic").expect("an answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_listen_is_left_and_tried_again() {
    let port = Port::open().await;
    let (absent, closed) = absent().await;
    let channel = channel(&format!("http://{absent},{}", port.url()));
    for _ in 0..CALLS {
        ask(&channel, "anybody").await.expect("the other one answers");
    }
    drop(closed);
    let late = Port::open_at(absent).await;
    testing::eventually("it is found again", async || {
        ask(&channel, "anybody").await.expect("one of them answers");
        (late.ended() > 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_are_away_the_caller_hears_it_at_once_and_the_first_to_come_back_is_used() {
    let (absent, closed) = absent().await;
    let channel = channel(&format!("http://{absent},http://{absent}"));
    let refused = ask(&channel, "anybody").await.expect_err("nobody listens");
    assert_eq!(refused.code(), Code::Unavailable);
    drop(closed);
    let _port = Port::open_at(absent).await;
    // At once: who rests after a failure is asked when there is nobody else.
    ask(&channel, "anybody").await.expect("it is back");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_notices_that_one_after_the_other_drains_and_comes_back() {
    let mut ports = vec![Port::open().await, Port::open().await];
    let (channel, stop) = (channel(&list(&ports)), Arc::new(AtomicBool::new(false)));
    let asked = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..32 {
        let (channel, stop, asked) = (channel.clone(), stop.clone(), asked.clone());
        callers.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                ask(&channel, "short").await?;
                asked.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<_, Status>(())
        });
    }
    let more = async |count: usize| {
        let wanted = asked.load(Ordering::Relaxed) + count;
        testing::eventually("calls are answered", async || {
            (asked.load(Ordering::Relaxed) >= wanted).then_some(())
        })
        .await;
    };
    for round in 0..10 {
        more(200).await;
        let port = ports.remove(0);
        let address = port.address;
        port.drain().await;
        more(200).await;
        ports.push(Port::open_at(address).await);
        let back = ports.last().expect("just pushed");
        testing::eventually("it is used again", async || (back.ended() > 0).then_some(())).await;
        assert!(callers.try_join_next().is_none(), "a caller has ended in round {round}");
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = callers.join_next().await {
        ended.expect("no panic").expect("no call was lost");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_may_have_begun_is_not_given_to_another() {
    let ports = [Port::open().await, Port::open().await];
    let lines = [testing::Proxy::to(ports[0].address).await, testing::Proxy::to(ports[1].address).await];
    let channel = channel(&format!("http://{},http://{}", lines[0].address(), lines[1].address()));
    let call = tokio::spawn({
        let channel = channel.clone();
        async move { ask(&channel, "slow").await }
    });
    testing::eventually("the call is under way", async || {
        ports.iter().any(|port| port.begun() > 0).then_some(())
    })
    .await;
    lines.iter().for_each(|line| line.set(testing::Line::Reset));
    let lost = call.await.expect("no panic").expect_err("the line is cut");
    assert_eq!(lost.code(), Code::Unavailable);
    lines.iter().for_each(|line| line.set(testing::Line::Good));
    // The other line was cut, too, and that may be noticed by a call on it.
    testing::eventually("a new connection", async || ask(&channel, "anybody").await.ok()).await;
    let begun: usize = ports.iter().map(Port::begun).sum();
    assert_eq!(begun, 2, "the lost call was begun once, and the second one");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_refuses_unseen_another_does() {
    let port = Port::open().await;
    for refusal in [Refusal::Stream, Refusal::GoAway] {
        let (unwilling, refused) = unwilling(refusal).await;
        let channel = channel(&format!("http://{unwilling},{}", port.url()));
        for _ in 0..CALLS {
            ask(&channel, "anybody").await.expect("the other one answers");
        }
        assert!(refused.load(Ordering::SeqCst) > 0, "{refusal:?}: it was asked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_address_of_a_name_is_a_replica() {
    let port = Port::open().await;
    // Two families on most machines, of which nobody listens on one.
    let channel = channel(&format!("http://localhost:{}", port.address.port()));
    for _ in 0..CALLS {
        ask(&channel, "anybody").await.expect("an answer");
    }
    let nowhere = self::channel("http://nowhere.invalid:7000");
    let refused = ask(&nowhere, "anybody").await.expect_err("there is no such name");
    assert_eq!(refused.code(), Code::Unavailable);
}

#[test]
fn what_is_no_address_is_named() {
    for wrong in
        ["orders:7000", "http://orders", "", "http://a:1,", "http://a:1/path", "ftp://a:1", "http://u@a:1"]
    {
        let refused = Directory::remote([("orders", wrong)], keys(), RemoteSettings::default());
        let told = refused.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(told.contains("is no address"), "{wrong}: {told}");
    }
}

fn channel(addresses: &str) -> Channel {
    let directory = Directory::remote([("customers", addresses)], keys(), RemoteSettings::default());
    directory.expect("valid addresses").channel("customers")
}

fn list(ports: &[Port]) -> String {
    ports.iter().map(Port::url).collect::<Vec<_>>().join(", ")
}

async fn ask(channel: &Channel, what: &str) -> Result<Customer, Status> {
    let call = Call::begin(Caller::operator("test"), Duration::from_secs(10));
    let mut client: CustomerServiceClient<BoundChannel> = CustomerServiceClient::new(channel.bind(&call));
    Ok(client.get_customer(asking(what)).await?.into_inner())
}

/// An address where nobody listens, and nobody else will as long as the socket is there.
async fn absent() -> (SocketAddr, tokio::net::TcpSocket) {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("a socket");
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
    (socket.local_addr().expect("an address"), socket)
}

#[derive(Debug, Clone, Copy)]
enum Refusal {
    /// Each request by itself.
    Stream,
    /// All further ones: it drains.
    GoAway,
}

/// A server that looks at no request; how often it was asked.
async fn unwilling(refusal: Refusal) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let refused = Arc::new(AtomicUsize::new(0));
    let count = refused.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let count = count.clone();
            tokio::spawn(async move {
                match refusal {
                    Refusal::Stream => refuse_streams(stream, &count).await,
                    Refusal::GoAway => go_away(stream, &count).await,
                }
            });
        }
    });
    (address, refused)
}

async fn refuse_streams(stream: TcpStream, refused: &AtomicUsize) {
    let mut connection = h2::server::handshake(stream).await.expect("a handshake");
    while let Some(Ok((_request, mut answer))) = connection.accept().await {
        refused.fetch_add(1, Ordering::SeqCst);
        answer.send_reset(h2::Reason::REFUSED_STREAM);
    }
}

/// Frame by frame: what a server says that drained before it saw the first request.
async fn go_away(mut stream: TcpStream, refused: &AtomicUsize) {
    const PREFACE_LENGTH: usize = 24;
    const HEADERS: u8 = 1;
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const LAST_STREAM_0_NO_ERROR: [u8; 17] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    stream.read_exact(&mut [0; PREFACE_LENGTH]).await.expect("the preface");
    stream.write_all(&SETTINGS).await.expect("it listens");
    let mut head = [0; 9];
    while stream.read_exact(&mut head).await.is_ok() {
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        stream.read_exact(&mut vec![0; length]).await.expect("the rest of the frame");
        if head[3] == HEADERS {
            refused.fetch_add(1, Ordering::SeqCst);
            stream.write_all(&LAST_STREAM_0_NO_ERROR).await.expect("it listens");
        }
    }
}
