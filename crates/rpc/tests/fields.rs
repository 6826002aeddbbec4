//! Everything that is wrong with a request is told at once, whatever a client sends.

use proptest::prelude::*;
use prost_types::Timestamp;
use proto::r#type::v1::Money;
use rpc::Fields;
use types::{OrderId, Quantity, Sku};

#[test]
fn all_wrong_fields_are_named_in_order() {
    let mut fields = Fields::new();
    let _: Option<OrderId> = fields.parse("order_id", "ord_1");
    let _: Option<Sku> = fields.parse("lines[0].sku", "");
    let _: Option<Quantity> = fields.convert("lines[0].quantity", 0);
    fields.text("comment", "a\0b", 10);
    fields.list_length("lines", 201, 200);
    let invalid = fields.finish().expect_err("five fields are wrong");
    let told: Vec<_> =
        invalid.violations().iter().map(|wrong| (wrong.field.as_str(), wrong.reason)).collect();

    let wanted = [
        ("order_id", "MALFORMED"),
        ("lines[0].sku", "REQUIRED"),
        ("lines[0].quantity", "OUT_OF_RANGE"),
        ("comment", "CONTROL_CHARACTER"),
        ("lines", "TOO_MANY"),
    ];
    assert_eq!(told, wanted);
}

proptest! {
    #[test]
    fn any_text_is_taken_or_refused(text in "\\PC*|[\\x00-\\x20]{0,9}") {
        let mut fields = Fields::new();
        let taken = fields.text("text", &text, 40);
        let clean = text.chars().count() <= 40 && !text.chars().any(|letter| letter.is_control() && !"\n\r\t".contains(letter));
        prop_assert_eq!(fields.finish().is_ok(), clean);
        prop_assert_eq!(taken, text);
    }

    #[test]
    fn any_money_is_taken_or_refused(amount in "\\PC{0,24}", currency in "[A-Z]{0,4}") {
        let mut fields = Fields::new();
        let money = Money { amount, currency_code: currency };
        let taken = fields.money("total", Some(&money));
        prop_assert_eq!(taken.is_some(), fields.finish().is_ok());
    }

    #[test]
    fn any_timestamp_is_taken_or_refused(seconds in any::<i64>(), nanos in any::<i32>()) {
        let mut fields = Fields::new();
        let taken = fields.time_optional("time", Some(Timestamp { seconds, nanos }));
        prop_assert_eq!(taken.is_some(), fields.finish().is_ok());
    }

    #[test]
    fn any_key_is_taken_or_refused(key in "\\PC{0,140}") {
        let mut fields = Fields::new();
        fields.idempotency_key(&key);
        let fine = (1..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        prop_assert_eq!(fields.finish().is_ok(), fine);
    }
}
