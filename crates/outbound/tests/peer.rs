//! A peer of raw bytes, so that it can misbehave exactly.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What the peer does after it read a request.
#[derive(Clone, Copy)]
pub enum Then {
    /// Writes these bytes and closes.
    Answer(&'static str),
    /// Closes.
    HangUp,
    /// Keeps the connection and says nothing.
    Wait,
}

/// Listens on a free port of the loopback.
pub struct Peer {
    port: u16,
    seen: Arc<Mutex<String>>,
    task: JoinHandle<()>,
}

impl Peer {
    /// A peer that does `then` to every connection.
    pub async fn that(then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(String::new()));
        let noted = seen.clone();
        let task = tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut buffer = vec![0; 16 << 10];
                // What these tests send fits one read, or two when the body follows the head.
                let mut length = socket.read(&mut buffer).await.unwrap();
                let more =
                    tokio::time::timeout(Duration::from_millis(50), socket.read(&mut buffer[length..]));
                length += more.await.map_or(0, |read| read.unwrap_or(0));
                *noted.lock().unwrap() = String::from_utf8_lossy(&buffer[..length]).into_owned();
                match then {
                    Then::Answer(bytes) => socket.write_all(bytes.as_bytes()).await.unwrap(),
                    Then::HangUp => {}
                    Then::Wait => tokio::time::sleep(Duration::from_secs(60)).await,
                }
            }
        });
        Self { port, seen, task }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A URL of this peer.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The last request, as it came.
    pub fn seen(&self) -> String {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
