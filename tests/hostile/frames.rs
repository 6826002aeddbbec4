//! HTTP/2 by hand: frames that no client library would send.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// A server that neither takes nor answers for so long has stopped.
const PATIENCE: Duration = Duration::from_secs(30);

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const CONTINUATION: u8 = 9;
pub const END_HEADERS: u8 = 4;

/// A connection that says whatever it likes.
pub struct Frames {
    stream: TcpStream,
}

impl Frames {
    /// Connects and begins as a client must.
    pub async fn open(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut hello = PREFACE.to_vec();
        hello.extend(frame(SETTINGS, 0, 0, &[]));
        stream.write_all(&hello).await.unwrap();
        Self { stream }
    }

    /// Sends bytes while reading whatever comes, until all is sent or the server has had enough.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (mut from, mut to) = self.stream.split();
        let reading = async {
            let mut heard = vec![0; 64 * 1024];
            while from.read(&mut heard).await? > 0 {}
            Err::<(), _>(io::Error::from(io::ErrorKind::ConnectionReset))
        };
        let sending = async {
            tokio::time::timeout(PATIENCE, to.write_all(bytes)).await.expect("it takes or it closes")
        };
        tokio::select! {
            sent = sending => sent,
            closed = reading => closed,
        }
    }
}

/// One frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The header block of a POST, without compression.
pub fn post(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    // Indexed: POST, http. Literals with the names `:path` and `:authority`.
    let mut block = vec![0x83, 0x86, 0x04];
    text(&mut block, path);
    block.push(0x01);
    text(&mut block, "localhost");
    for (name, value) in headers {
        block.push(0x00);
        text(&mut block, name);
        text(&mut block, value);
    }
    block
}

/// A length of up to 7 bits and what goes beyond, then the bytes.
fn text(block: &mut Vec<u8>, text: &str) {
    let length = text.len();
    if length < 127 {
        block.push(u8::try_from(length).unwrap());
    } else {
        block.push(127);
        let mut rest = length - 127;
        while rest >= 128 {
            block.push(u8::try_from(rest % 128).unwrap() | 0x80);
            rest /= 128;
        }
        block.push(u8::try_from(rest).unwrap());
    }
    block.extend(text.as_bytes());
}
