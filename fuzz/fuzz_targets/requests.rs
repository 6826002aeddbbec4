//! Any bytes as the request of any method: read without a panic, written and read again the same, and shown as JSON.

#![no_main]

use libfuzzer_sys::fuzz_target;
use prost::Message;
use transcode::Api;

include!(concat!(env!("OUT_DIR"), "/decoders.rs"));

/// What the message is when it is written again; none when it cannot be read.
fn again<M: Message + Default + PartialEq>(bytes: &[u8]) -> Option<Vec<u8>> {
    let message = M::decode(bytes).ok()?;
    let written = message.encode_to_vec();
    let read = M::decode(written.as_slice()).ok();
    assert!(read.as_ref() == Some(&message), "it is another one when read again");
    Some(written)
}

fuzz_target!(|input: (u16, &[u8])| {
    let (which, bytes) = input;
    let (name, decode) = DECODERS[usize::from(which) % DECODERS.len()];
    let Some(written) = decode(bytes) else { return };
    let Some(message) = Api::suite().message(name) else { return };
    // What services answer is written the same way; enum values that nobody knows may be refused.
    let _ = Api::suite().write_json(message, &written, &mut Vec::new());
});
