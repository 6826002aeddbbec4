//! A TCP proxy whose line goes bad when a test says so.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What one read takes off the line.
const CHUNK_BYTES: usize = 16 * 1024;

/// How the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// It carries everything.
    Good,
    /// Nothing gets through in either direction and nobody is told. What was sent meanwhile arrives when the line is good
    /// again, as TCP repeats it.
    Blackhole,
    /// Nothing gets through from whoever connected; the other direction works.
    DeafTowardsServer,
    /// Nothing gets through to whoever connected; the other direction works.
    DeafTowardsClient,
    /// Every connection is reset, and every new one.
    Reset,
    /// The server's side of each connection is gone for good, and the client is not told: it stays connected to nobody.
    HalfOpen,
    /// Each connection is forgotten on its way, for good: both sides stay connected, to nobody.
    Forgotten,
    /// So many bytes a second, one at a time.
    Slow {
        /// In each direction.
        bytes_per_second: u32,
    },
    /// Everything arrives later.
    Delay(Duration),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    TowardsServer,
    TowardsClient,
}

/// A listener on the loopback interface that leads to another address. Gone, with its connections, when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    target: Arc<Mutex<SocketAddr>>,
    line: watch::Sender<Line>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// A good line to `target`, which need not listen yet.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener");
        let (line, state) = watch::channel(Line::Good);
        let target = Arc::new(Mutex::new(target));
        let accepting = tokio::spawn(accept(listener, target.clone(), state));
        Self { address, target, line, accepting }
    }

    /// Where to connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From here on the line is `line`, for connections there are and for those to come.
    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }

    /// From here on new connections lead to `target`.
    pub fn lead_to(&self, target: SocketAddr) {
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = target;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, target: Arc<Mutex<SocketAddr>>, line: watch::Receiver<Line>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else { return };
        let target = *target.lock().unwrap_or_else(PoisonError::into_inner);
        connections.spawn(serve(client, target, line.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(mut client: TcpStream, target: SocketAddr, mut line: watch::Receiver<Line>) {
    // The handshake is the kernel's; whatever follows it waits.
    if line.wait_for(|line| carries(*line, Direction::TowardsServer)).await.is_err() {
        return;
    }
    let now = *line.borrow_and_update();
    match now {
        Line::Reset => return reset(client),
        Line::HalfOpen | Line::Forgotten => return stay(client).await,
        _ => {}
    }
    let Ok(mut server) = TcpStream::connect(target).await else { return reset(client) };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let broken = {
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        let up = carry(from_client, to_server, line.clone(), Direction::TowardsServer);
        let down = carry(from_server, to_client, line.clone(), Direction::TowardsClient);
        tokio::select! {
            broken = line.wait_for(|line| matches!(line, Line::Reset | Line::HalfOpen | Line::Forgotten)) => {
                broken.ok().map(|line| *line)
            }
            _ = async { tokio::join!(up, down) } => None,
        }
    };
    match broken {
        None => {}
        Some(Line::HalfOpen) => {
            reset(server);
            stay(client).await;
        }
        Some(Line::Forgotten) => {
            tokio::join!(stay(client), stay(server));
        }
        Some(_) => {
            reset(server);
            reset(client);
        }
    }
}

async fn carry(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut line: watch::Receiver<Line>,
    direction: Direction,
) {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = from.read(&mut chunk).await;
        if line.wait_for(|line| carries(*line, direction)).await.is_err() {
            return;
        }
        let Ok(length @ 1..) = read else {
            // The other side may be gone, too.
            let _ = to.shutdown().await;
            return;
        };
        let now = *line.borrow();
        let sent = match now {
            Line::Slow { bytes_per_second } => {
                trickle(&mut to, &chunk[..length], bytes_per_second, &line).await
            }
            Line::Delay(time) => {
                tokio::time::sleep(time).await;
                to.write_all(&chunk[..length]).await
            }
            _ => to.write_all(&chunk[..length]).await,
        };
        if sent.is_err() {
            return;
        }
    }
}

/// Byte after byte, until the line is better.
async fn trickle(
    to: &mut WriteHalf<'_>,
    chunk: &[u8],
    bytes_per_second: u32,
    line: &watch::Receiver<Line>,
) -> std::io::Result<()> {
    let pause = Duration::from_secs(1) / bytes_per_second.max(1);
    for (at, byte) in chunk.iter().enumerate() {
        if !matches!(*line.borrow(), Line::Slow { .. }) {
            return to.write_all(&chunk[at..]).await;
        }
        to.write_all(&[*byte]).await?;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

fn carries(line: Line, direction: Direction) -> bool {
    match line {
        Line::Good | Line::Reset | Line::HalfOpen | Line::Forgotten | Line::Slow { .. } | Line::Delay(_) => {
            true
        }
        Line::Blackhole => false,
        Line::DeafTowardsServer => direction == Direction::TowardsClient,
        Line::DeafTowardsClient => direction == Direction::TowardsServer,
    }
}

/// Closes with a reset instead of an end.
fn reset(stream: TcpStream) {
    let _ = stream.set_zero_linger();
}

/// Connected, and silent, until the other side has enough.
async fn stay(mut client: TcpStream) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while matches!(client.read(&mut chunk).await, Ok(1..)) {}
}
