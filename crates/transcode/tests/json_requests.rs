//! What the reader takes, what it refuses, and how it says so.

use crate::shapes::{read, read_bytes, refusal, write};
use prost::Message as _;

#[test]
fn both_spellings_are_read() {
    assert_eq!(read(r#"{"int32Value": 5}"#), read(r#"{"int32_value": 5}"#));
    assert_eq!(read(r#"{"updateMask": "fooBar,bazQux.a"}"#), read(r#"{"update_mask": "foo_bar,baz_qux.a"}"#));
}

#[test]
fn same_value_in_other_clothes() {
    let same = [
        (r#"{"int64Value": "5"}"#, r#"{"int64Value": 5}"#),
        (r#"{"int32Value": 2.0}"#, r#"{"int32Value": 2}"#),
        (r#"{"int32Value": -0}"#, r#"{}"#),
        (r#"{"text": null, "inner": null, "texts": null}"#, r#"{}"#),
        (r#"{"colour": 1}"#, r#"{"colour": "COLOUR_RED"}"#),
        (r#"{"colour": -7}"#, r#"{"colour": "COLOUR_NEGATIVE"}"#),
        (r#"{"bytesValue": "-_8"}"#, r#"{"bytesValue": "+/8="}"#),
        (r#"{"atTime": "2025-01-31T12:00:00+02:00"}"#, r#"{"atTime": "2025-01-31T10:00:00.000Z"}"#),
        (r#"{"text": "\ud83d\ude00\u0041\/"}"#, r#"{"text": "😀A/"}"#),
        (r#"{"choiceText": null, "choiceNumber": 1}"#, r#"{"choiceNumber": "1"}"#),
        (" { \"numbers\" :\n[ 1 ,\t2 ] } ", r#"{"numbers":[1,2]}"#),
    ];
    for (left, right) in same {
        assert_eq!(read(left).unwrap(), read(right).unwrap(), "{left}");
    }
}

#[test]
fn hostile_bodies_are_refused() {
    let deep = format!("{}{}", r#"{"inner":"#.repeat(100_000), "}".repeat(100_000));
    let brackets = "[".repeat(100_000);
    let cases = [
        ("", " INVALID_JSON"),
        ("[]", " WRONG_TYPE"),
        ("NaN", " INVALID_JSON"),
        ("{", " INVALID_JSON"),
        ("{} x", " TRAILING_TEXT"),
        ("{}{}", " TRAILING_TEXT"),
        ("{\u{0}}", " INVALID_JSON"),
        (r#"{"text": "a",}"#, " INVALID_JSON"),
        (r#"{'text': "a"}"#, " INVALID_JSON"),
        (r#"{"inner": {"surprise": 1}}"#, "inner.surprise UNKNOWN_FIELD"),
        (r#"{"text": "a", "text": "a"}"#, "text DUPLICATE_FIELD"),
        (r#"{"int32Value": 1, "int32_value": 1}"#, "int32Value DUPLICATE_FIELD"),
        (r#"{"textByText": {"a": "1", "a": "2"}}"#, "textByText.a DUPLICATE_FIELD"),
        (r#"{"choiceText": "a", "choiceNumber": 1}"#, "choiceNumber ONEOF_CONFLICT"),
        (r#"{"inners": [{}, {}, {"count": "many"}]}"#, "inners[2].count NOT_AN_INTEGER"),
        (r#"{"numbers": [1, null]}"#, "numbers[1] WRONG_TYPE"),
        (r#"{"numbers": 1}"#, "numbers WRONG_TYPE"),
        (r#"{"text": 1}"#, "text WRONG_TYPE"),
        (r#"{"text": {}}"#, "text WRONG_TYPE"),
        (r#"{"boolValue": "true"}"#, "boolValue WRONG_TYPE"),
        (r#"{"boolValue": 1}"#, "boolValue WRONG_TYPE"),
        (r#"{"inner": []}"#, "inner WRONG_TYPE"),
        (r#"{"inner": "x"}"#, "inner WRONG_TYPE"),
        (r#"{"textByText": []}"#, "textByText WRONG_TYPE"),
        (r#"{"colour": "COLOUR_BLUE"}"#, "colour UNKNOWN_ENUM_VALUE"),
        (r#"{"colour": 99}"#, "colour UNKNOWN_ENUM_VALUE"),
        (r#"{"colour": 1e400}"#, "colour UNKNOWN_ENUM_VALUE"),
        (r#"{"text": "a\u0000b"}"#, "text NUL_CHARACTER"),
        (r#"{"textByText": {"\u0000": "x"}}"#, "textByText NUL_CHARACTER"),
        (r#"{"text": "\ud800"}"#, "text LONE_SURROGATE"),
        (r#"{"text": "\ud800\u0041"}"#, "text LONE_SURROGATE"),
        (r#"{"text": "\udc00"}"#, "text LONE_SURROGATE"),
        (r#"{"text": "\q"}"#, "text INVALID_JSON"),
        (r#"{"text": "\u12"}"#, "text INVALID_JSON"),
        ("{\"text\": \"a\nb\"}", "text INVALID_JSON"),
        (r#"{"int32Value": 2147483648}"#, "int32Value OUT_OF_RANGE"),
        (r#"{"int64Value": 9223372036854775808}"#, "int64Value OUT_OF_RANGE"),
        (r#"{"int64Value": "-9223372036854775809"}"#, "int64Value OUT_OF_RANGE"),
        (r#"{"uint32Value": -1}"#, "uint32Value OUT_OF_RANGE"),
        (r#"{"int32Value": 1e400}"#, "int32Value OUT_OF_RANGE"),
        (r#"{"int32Value": 1.5}"#, "int32Value NOT_AN_INTEGER"),
        (r#"{"int32Value": 1e2}"#, "int32Value NOT_AN_INTEGER"),
        (r#"{"int32Value": ""}"#, "int32Value NOT_AN_INTEGER"),
        (r#"{"int32Value": NaN}"#, "int32Value INVALID_JSON"),
        (r#"{"int32Value": Infinity}"#, "int32Value INVALID_JSON"),
        (r#"{"int32Value": 01}"#, "int32Value INVALID_JSON"),
        (r#"{"int32Value": +1}"#, "int32Value INVALID_JSON"),
        (r#"{"doubleValue": 1e400}"#, "doubleValue OUT_OF_RANGE"),
        (r#"{"doubleValue": "NaN"}"#, "doubleValue WRONG_TYPE"),
        (r#"{"floatValue": 1e39}"#, "floatValue OUT_OF_RANGE"),
        (r#"{"bytesValue": "*"}"#, "bytesValue MALFORMED"),
        (r#"{"atTime": "2025-02-29T00:00:00Z"}"#, "atTime MALFORMED"),
        (r#"{"atTime": "2025-01-31"}"#, "atTime MALFORMED"),
        (r#"{"atTime": "0000-01-01T00:00:00Z"}"#, "atTime OUT_OF_RANGE"),
        (r#"{"atTime": 5}"#, "atTime WRONG_TYPE"),
        (r#"{"wait": "5"}"#, "wait MALFORMED"),
        (r#"{"wait": "315576000001s"}"#, "wait OUT_OF_RANGE"),
        (r#"{"updateMask": "a,,b"}"#, "updateMask MALFORMED"),
        (brackets.as_str(), " WRONG_TYPE"),
    ];
    for (body, wanted) in cases {
        assert_eq!(refusal(read(body)), wanted, "{:.80}", body);
    }
    let many = format!(r#"{{"inners": [{}{{}}]}}"#, "{},".repeat(10_000));
    assert_eq!(refusal(read(&many)), "inners TOO_MANY_ELEMENTS");
    let violation = read(&deep).unwrap_err();
    assert_eq!(violation.reason.as_str(), "TOO_DEEP");
    assert_eq!(refusal(read_bytes(b"{\"text\": \"\xff\"}")), " INVALID_UTF8");
}

#[test]
fn names_from_the_client_are_cut_and_cleaned() {
    let violation = read(&format!("{{\"{}\\n\": 1}}", "x".repeat(500))).unwrap_err();
    assert_eq!(violation.field, "x".repeat(64));
    assert_eq!(read(r#"{"a\r\nb": 1}"#).unwrap_err().field, "ab");
}

#[test]
fn defaults_are_written_and_absent_messages_are_not() {
    let json = write(&[]);
    assert!(json.starts_with(r#"{"boolValue":false,"int32Value":0,"int64Value":"0""#), "{json}");
    assert!(json.contains(r#""colour":"COLOUR_UNSPECIFIED""#) && json.contains(r#""texts":[]"#));
    assert!(json.contains(r#""textByText":{}"#) && !json.contains("inner\"") && !json.contains("choice"));
}

#[test]
fn maps_are_written_in_key_order() {
    let message = read(r#"{"textByText": {"b": "1", "c": "2", "a": "3"}}"#).unwrap();
    assert!(write(&message.encode_to_vec()).contains(r#""textByText":{"a":"3","b":"1","c":"2"}"#));
}

#[test]
fn parts_of_a_message_are_merged_and_the_last_oneof_member_wins() {
    // inner { name: "a" } and inner { count: 2 }; choice_text "x", then choice_number 5.
    let wire = [0x82, 1, 3, 0x0a, 1, b'a', 0x82, 1, 2, 0x18, 2, 0xba, 1, 1, b'x', 0xc0, 1, 5];
    let json = write(&wire);
    assert!(json.contains(r#""inner":{"name":"a","count":2}"#), "{json}");
    assert!(json.contains(r#""choiceNumber":"5""#) && !json.contains("choiceText"), "{json}");
}
