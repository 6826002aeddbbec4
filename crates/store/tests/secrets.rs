//! Secrets at rest.

use store::{Error, Settings, Store};
use types::Clock;

const SECRET: &[u8] = b"sk_live_1";

#[test]
fn a_sealed_secret_opens_and_shows_nothing() {
    let store = store("payments", b"installation");

    let sealed = store.seal(SECRET, "pac_1");

    assert_eq!(store.unseal(&sealed, "pac_1").unwrap(), SECRET);
    assert!(!sealed.windows(4).any(|part| SECRET.windows(4).any(|of| of == part)));
    assert_ne!(sealed, store.seal(SECRET, "pac_1"), "equal secrets must not look equal");
}

#[test]
fn nothing_else_opens_it() {
    let store = store("payments", b"installation");
    let sealed = store.seal(SECRET, "pac_1");

    for (store, sealed, context) in [
        (&store, sealed.clone(), "pac_2"),
        (&self::store("delivery", b"installation"), sealed.clone(), "pac_1"),
        (&self::store("payments", b"another"), sealed.clone(), "pac_1"),
        (&store, sealed[..sealed.len() - 1].to_vec(), "pac_1"),
        (&store, altered(&sealed), "pac_1"),
        (&store, sealed[1..].to_vec(), "pac_1"),
        (&store, Vec::new(), "pac_1"),
    ] {
        assert!(matches!(store.unseal(&sealed, context), Err(Error::Unsealable)));
    }
}

fn altered(sealed: &[u8]) -> Vec<u8> {
    let mut altered = sealed.to_vec();
    altered[30] ^= 1;
    altered
}

fn store(service: &str, secret: &[u8]) -> Store {
    Store::new(service, &Settings::at("postgres://nobody@127.0.0.1:1/none"), Clock::system(), secret)
        .expect("no connection is made yet")
}
