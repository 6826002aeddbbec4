//! The audit's "who" cannot be forged, replayed late, or carried to another service.

use std::time::Duration;

use rpc::{Actor, Caller, CallerKeys, Shops, SigningError};
use types::{Clock, KeyId, ShopId};

#[test]
fn a_statement_says_who_where_and_what() {
    let keys = CallerKeys::random();
    let caller = Caller {
        actor: Actor::Key(KeyId::new()),
        on_behalf_of: Some("operator:olga".to_owned()),
        shops: Shops::Only(vec![ShopId::new(), ShopId::new()]),
        scopes: vec!["orders.read".to_owned()],
    };
    let statement = keys.sign(&caller, "gateway", "orders");

    assert_eq!(keys.verify(&statement, "orders"), Ok(caller));
}

#[test]
fn nobody_sees_no_shop_rather_than_every_shop() {
    let keys = CallerKeys::random();
    let caller = Caller { shops: Shops::Only(Vec::new()), ..Caller::operator("olga") };
    let verified = keys.verify(&keys.sign(&caller, "gateway", "orders"), "orders").expect("genuine");

    assert_eq!(verified.shops, Shops::Only(Vec::new()));
    assert!(!verified.shops.allow(ShopId::new()));
}

#[test]
fn an_altered_statement_is_forged() {
    let keys = CallerKeys::random();
    let statement = keys.sign(&Caller::service("orders"), "orders", "inventory");
    for at in 0..statement.len() {
        let mut altered = statement.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).expect("ASCII");
        let verdict = keys.verify(&altered, "inventory");
        // The last letter of base64 carries two bits that mean nothing, and reading is strict about them, too.
        assert_eq!(verdict, Err(SigningError::Forged), "letter {at}");
    }
    for text in ["", ".", "a.b", "AAAA.AAAA", "ключ.ключ", "..", &statement[1..]] {
        assert_eq!(keys.verify(text, "inventory"), Err(SigningError::Forged), "{text}");
    }
}

#[test]
fn another_installation_is_not_believed() {
    let statement = CallerKeys::random().sign(&Caller::operator("olga"), "gateway", "orders");
    assert_eq!(CallerKeys::random().verify(&statement, "orders"), Err(SigningError::Forged));
}

#[test]
fn a_statement_is_for_one_service() {
    let keys = CallerKeys::random();
    let statement = keys.sign(&Caller::operator("olga"), "gateway", "catalog");
    assert_eq!(keys.verify(&statement, "payments"), Err(SigningError::WrongAudience));
}

#[test]
fn a_statement_lives_for_a_minute() {
    let clock = Clock::system();
    let keys = CallerKeys::random().with_clock(clock.clone());
    let statement = keys.sign(&Caller::operator("olga"), "gateway", "orders");

    clock.advance(Duration::from_secs(59));
    assert!(keys.verify(&statement, "orders").is_ok());
    clock.advance(Duration::from_secs(10));
    assert_eq!(keys.verify(&statement, "orders"), Err(SigningError::Expired));
}

#[test]
fn keys_change_every_hour_and_nobody_notices() {
    let clock = Clock::system();
    let signer = CallerKeys::new(*b"one secret of two processes here").with_clock(clock.clone());
    let verifier = CallerKeys::new(*b"one secret of two processes here").with_clock(clock.clone());
    // Two days in steps that fall on every side of the hour.
    for _ in 0..1_000 {
        let statement = signer.sign(&Caller::operator("olga"), "gateway", "orders");
        clock.advance(Duration::from_secs(31));
        assert!(verifier.verify(&statement, "orders").is_ok());
        clock.advance(Duration::from_secs(142));
    }
}

#[test]
fn processes_may_disagree_by_seconds_about_the_time() {
    let (fast, slow) = (Clock::system(), Clock::system());
    fast.advance(Duration::from_secs(4));
    let secret = *b"one secret of two processes here";
    let statement =
        CallerKeys::new(secret).with_clock(slow).sign(&Caller::operator("olga"), "gateway", "orders");

    assert!(CallerKeys::new(secret).with_clock(fast).verify(&statement, "orders").is_ok());
}
