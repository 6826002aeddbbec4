//! Numbers of waybills.

use std::collections::BTreeSet;

use korob_delivery::carriers::Waybill;
use proptest::prelude::*;

fn number(serial: i64) -> String {
    Waybill::numbered(serial).into_text()
}

fn passes(number: &str) -> bool {
    let digits = number[2..].chars().rev().filter_map(|digit| digit.to_digit(10)).enumerate();
    let sum: u32 =
        digits.map(|(at, digit)| if at % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 }).sum();
    sum.is_multiple_of(10)
}

#[test]
fn a_number_has_a_check_digit() {
    assert_eq!(number(1), "KB00000000018");
    assert_eq!(number(7_992_739_871), "KB79927398713");
    assert_eq!((1..1000).map(number).collect::<BTreeSet<_>>().len(), 999);
}

proptest! {
    #[test]
    fn a_wrong_digit_is_noticed(serial in 1_i64..9_999_999_999, at in 2_usize..13, shift in 1_u8..10) {
        let number = number(serial);
        prop_assert!(passes(&number));
        let mut typed = number.into_bytes();
        typed[at] = b'0' + (typed[at] - b'0' + shift) % 10;
        prop_assert!(!passes(&String::from_utf8(typed).expect("digits")));
    }
}
