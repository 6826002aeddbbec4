//! Any text as the JSON of any request: refused with a field, or turned into a message that can be read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use prost::Message;
use transcode::Api;

include!(concat!(env!("OUT_DIR"), "/decoders.rs"));

fn again<M: Message + Default>(bytes: &[u8]) -> Option<Vec<u8>> {
    M::decode(bytes).ok().map(|message| message.encode_to_vec())
}

fuzz_target!(|input: (u16, &[u8])| {
    let (which, text) = input;
    let (name, decode) = DECODERS[usize::from(which) % DECODERS.len()];
    let Some(message) = Api::suite().message(name) else { return };
    let mut bytes = Vec::new();
    if Api::suite().read_json(message, text, &mut bytes).is_ok() {
        assert!(decode(&bytes).is_some(), "{name}: what was read from JSON is no message");
    }
});
