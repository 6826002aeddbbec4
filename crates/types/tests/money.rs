//! Money is counted exactly.

#![allow(clippy::unwrap_used)] // Tests: a failure is a panic.

use proptest::prelude::*;
use types::{Currency, Money, MoneyError};

fn currency(code: &str) -> Currency {
    code.parse().unwrap()
}

#[test]
fn reads_and_writes_decimals_of_each_currency() {
    for (amount, code, minor, written) in [
        ("1040", "RUB", 104_000, "1040.00"),
        ("0.5", "UAH", 50, "0.50"),
        ("-0.05", "EUR", -5, "-0.05"),
        ("7", "JPY", 7, "7"),
        ("1.234", "KWD", 1234, "1.234"),
        ("1.500", "USD", 150, "1.50"),
    ] {
        let money = Money::parse(amount, currency(code)).unwrap();
        assert_eq!(money.minor(), minor, "{amount} {code}");
        assert_eq!(money.amount(), written, "{amount} {code}");
    }
}

#[test]
fn refuses_what_is_not_an_amount() {
    let rub = currency("RUB");
    for amount in ["", "-", ".5", "5.", "1,5", "1e3", "NaN", "+1", " 1", "0x10", "1.2.3", "--1", "٣"] {
        assert_eq!(Money::parse(amount, rub), Err(MoneyError::NotDecimal), "{amount:?}");
    }
    assert!(matches!(Money::parse("0.001", rub), Err(MoneyError::TooFine { digits: 2, .. })));
    assert!(matches!(Money::parse("0.5", currency("JPY")), Err(MoneyError::TooFine { digits: 0, .. })));
    assert_eq!(Money::parse("92233720368547758.08", rub), Err(MoneyError::TooLarge));
    assert!("ABC".parse::<Currency>().is_err());
    assert!("rub".parse::<Currency>().is_err());
}

#[test]
fn rounds_half_away_from_zero() {
    let rub = currency("RUB");
    let scaled = |minor, by, per| Money::new(rub, minor).scaled(by, per).unwrap().minor();
    assert_eq!(scaled(5, 1, 10), 1);
    assert_eq!(scaled(-5, 1, 10), -1);
    assert_eq!(scaled(4, 1, 10), 0);
    assert_eq!(scaled(333, 250, 1000), 83);
}

proptest! {
    #[test]
    fn text_and_back(minor in any::<i64>().prop_filter("has a positive twin", |minor| *minor != i64::MIN)) {
        let money = Money::new(currency("UAH"), minor);
        prop_assert_eq!(Money::parse(&money.amount(), currency("UAH")).unwrap(), money);
    }

    #[test]
    fn parts_sum_to_the_whole(minor in -1_000_000_000_i64..1_000_000_000, weights in prop::collection::vec(0_i64..1_000_000, 1..20)) {
        let money = Money::new(currency("UAH"), minor);
        let parts = money.allocate(&weights).unwrap();
        prop_assert_eq!(Money::sum(currency("UAH"), parts).unwrap(), money);
    }
}
