//! The file as UTF-8 text: takes chunks, decodes them, counts lines, and lets no element grow beyond its limit.

use std::io::{self, BufRead, Read};

use bytes::{Buf, Bytes};
use encoding_rs::{CoderResult, Decoder, Encoding};
use tokio::sync::mpsc;

use super::encoding;

/// The longest single tag, text, comment or CDATA section, in bytes.
pub(super) const ELEMENT_BYTES_MAX: usize = 1 << 20;
/// Text decoded at once, in bytes.
const WINDOW_BYTES: usize = 64 << 10;

/// A stream of chunks, readable as UTF-8.
pub(crate) struct Source {
    chunks: mpsc::Receiver<Bytes>,
    /// What came and is not decoded yet.
    waiting: Bytes,
    ended: bool,
    decoder: Option<Decoder>,
    /// What is decoded; read up to `at`.
    window: Vec<u8>,
    at: usize,
    finished: bool,
    line: u64,
    read_bytes: u64,
    /// What the element being read may still take.
    allowance: usize,
}

impl Source {
    /// The file that arrives on `chunks`; it ends when the channel does.
    pub(crate) fn new(chunks: mpsc::Receiver<Bytes>) -> Self {
        Self {
            chunks,
            waiting: Bytes::new(),
            ended: false,
            decoder: None,
            window: Vec::new(),
            at: 0,
            finished: false,
            line: 1,
            read_bytes: 0,
            allowance: ELEMENT_BYTES_MAX,
        }
    }

    /// The same in an encoding that is known.
    pub(super) fn in_encoding(chunks: mpsc::Receiver<Bytes>, encoding: &'static Encoding) -> Self {
        Self { decoder: Some(encoding.new_decoder_with_bom_removal()), ..Self::new(chunks) }
    }

    /// The line that is read next, 1-based.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// How much of the file has arrived here.
    pub(super) fn read_bytes(&self) -> u64 {
        self.read_bytes
    }

    /// A new element begins.
    pub(super) fn begin_element(&mut self) {
        self.allowance = ELEMENT_BYTES_MAX;
    }

    fn receive(&mut self) {
        match self.chunks.blocking_recv() {
            Some(chunk) => {
                self.read_bytes += chunk.len() as u64;
                self.waiting = chunk;
            }
            None => self.ended = true,
        }
    }

    /// Receives enough to know the encoding.
    fn begin(&mut self) -> io::Result<Decoder> {
        let mut head = Vec::new();
        while !self.ended && !encoding::is_enough(&head) {
            self.receive();
            head.extend_from_slice(&self.waiting);
            self.waiting = Bytes::new();
        }
        let encoding = encoding::detect(&head);
        self.waiting = head.into();
        let unknown = |label| io::Error::other(format!("the encoding {label} is not known"));
        encoding.map(|encoding| encoding.new_decoder_with_bom_removal()).map_err(unknown)
    }

    /// Decodes the next piece into the window; nothing more comes when it stays empty.
    fn decode(&mut self) -> io::Result<()> {
        let mut decoder = match self.decoder.take() {
            Some(decoder) => decoder,
            None => self.begin()?,
        };
        self.at = 0;
        self.window.resize(WINDOW_BYTES, 0);
        let mut written = 0;
        while written == 0 && !self.finished {
            if self.waiting.is_empty() && !self.ended {
                self.receive();
            }
            // Bytes that are not of the encoding become U+FFFD; the row that has one is refused.
            let (result, taken, made, _) =
                decoder.decode_to_utf8(&self.waiting, &mut self.window, self.ended);
            self.waiting.advance(taken);
            written = made;
            self.finished = self.ended && result == CoderResult::InputEmpty;
        }
        self.window.truncate(written);
        self.decoder = Some(decoder);
        Ok(())
    }
}

impl BufRead for Source {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.allowance == 0 {
            return Err(io::Error::other(format!("an element is longer than {ELEMENT_BYTES_MAX} bytes")));
        }
        if self.at == self.window.len() && !self.finished {
            self.decode()?;
        }
        Ok(&self.window[self.at..])
    }

    fn consume(&mut self, amount: usize) {
        let read = &self.window[self.at..self.at + amount];
        self.line += read.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.at += amount;
        self.allowance = self.allowance.saturating_sub(amount);
    }
}

impl Read for Source {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let amount = self.fill_buf()?.read(out)?;
        self.consume(amount);
        Ok(amount)
    }
}
