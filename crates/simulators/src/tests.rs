//! What cannot be reached over HTTP in a reasonable time: limits that are large, and arithmetic.

use chrono::{TimeDelta, TimeZone as _, Utc};
use http::{HeaderMap, Method, Uri};
use proptest::prelude::*;

use crate::answer::Answer;
use crate::asked::Asked;
use crate::keys::{KEYS_MAX, Keys, Known};
use crate::money;
use crate::shelf::{OBJECTS_MAX, Shelf};
use crate::tokens::Tokens;

fn asked(body: &str) -> Asked {
    let uri = Uri::from_static("/card/v1/charges");
    Asked::new(Method::POST, &uri, HeaderMap::new(), body.to_owned().into())
}

#[test]
fn a_full_shelf_says_so_or_forgets_its_oldest() {
    let mut shelf = Shelf::default();
    for number in 0..OBJECTS_MAX {
        assert!(!shelf.is_full());
        shelf.put(&number.to_string(), "label", number);
    }
    assert!(shelf.is_full());
    shelf.put_and_forget("new", "label", OBJECTS_MAX);
    assert_eq!((shelf.get("0"), shelf.get("1"), shelf.get("new")), (None, Some(&1), Some(&OBJECTS_MAX)));
    assert_eq!(shelf.labelled("label").count(), OBJECTS_MAX);
    assert_eq!(shelf.labelled("label").next(), Some(&1));
}

#[test]
fn keys_are_forgotten_after_a_day() {
    let (mut keys, start) = (Keys::default(), Utc.timestamp_nanos(0));
    let answer = Answer::empty(201);
    keys.remember(start, "account", "key", &asked("a"), &answer);
    let later = start + TimeDelta::hours(24);
    assert!(
        matches!(keys.look_up(later, "account", "key", &asked("a")), Known::Same(same) if same == answer)
    );
    assert!(matches!(keys.look_up(later, "account", "key", &asked("b")), Known::Other));
    assert!(matches!(keys.look_up(later, "other", "key", &asked("a")), Known::New));
    assert!(matches!(keys.look_up(later + TimeDelta::seconds(1), "account", "key", &asked("a")), Known::New));
    for number in 0..KEYS_MAX {
        assert!(!keys.is_full());
        keys.remember(start, "account", &number.to_string(), &asked("a"), &answer);
    }
    assert!(keys.is_full());
    keys.look_up(start + TimeDelta::hours(25), "account", "key", &asked("a"));
    assert!(!keys.is_full(), "a day later there is room again");
}

#[test]
fn tokens_are_bounded() {
    let (mut tokens, start) = (Tokens::default(), Utc.timestamp_nanos(0));
    let first = tokens.issue("account", start, TimeDelta::seconds(10));
    for _ in 0..10_000 {
        tokens.issue("account", start, TimeDelta::seconds(20));
    }
    assert_eq!(tokens.account(&first, start), None, "the one that ends first is forgotten first");
}

#[test]
fn sums_that_nobody_writes_are_none() {
    for text in ["", ".", "1.", ".5", "-1", "+1", " 1", "1,5", "1.005", "1e3", "100000000000001"] {
        assert_eq!(money::parse(text, "RUB"), None, "{text}");
    }
    assert_eq!((money::parse("5", "JPY"), money::parse("5.0", "JPY")), (Some(5), None));
    assert_eq!((money::parse("1.5", "KWD"), money::parse("0.05", "UAH")), (Some(1_500), Some(5)));
    assert_eq!(money::times(i64::MAX, i64::MAX), None);
}

proptest! {
    #[test]
    fn a_sum_is_read_as_it_is_written(minor in 0..10_000_000_000_000_i64, currency in "(UAH|JPY|KWD)") {
        prop_assert_eq!(money::parse(&money::format(minor, &currency), &currency), Some(minor));
    }

    #[test]
    fn any_request_is_taken_apart(path in "/[ -~]{0,40}", body in "[ -~]{0,40}") {
        if let Ok(uri) = path.parse::<Uri>() {
            let asked = Asked::new(Method::POST, &uri, HeaderMap::new(), body.into());
            let _ = (asked.json(), asked.form(), asked.basic(), asked.base_url());
        }
    }
}
