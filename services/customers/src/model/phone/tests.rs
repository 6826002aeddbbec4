//! Spellings of phones: many of one number, and none of what is no number.

use proptest::prelude::*;

use super::Phone;
use crate::model::Country;

#[track_caller]
fn check(country: &str, number: &str, spellings: &[&str]) {
    for spelling in spellings {
        let read = Phone::read(spelling, Country::of_code(country));
        assert_eq!(read.as_ref().map(Phone::as_str), Some(number), "{spelling:?} in {country}");
    }
    let formatted =
        phonenumber::parse(None, number).unwrap().format().mode(phonenumber::Mode::E164).to_string();
    assert_eq!(formatted, number, "as the library writes it");
}

#[test]
fn one_ukrainian_number_in_many_spellings() {
    check(
        "UA",
        "+380671234567",
        &[
            "+380671234567",
            "+380 67 123 45 67",
            "+38 (067) 123-45-67",
            "+38(067)1234567",
            "+380 (67) 123-45-67",
            "＋380 67 123 45 67",
            "380671234567",
            "38 067 123 45 67",
            "38-067-123-45-67",
            "0671234567",
            "067 123-45-67",
            "(067) 123 45 67",
            "067.123.45.67",
            "067/123/45/67",
            "067\u{a0}123\u{a0}45\u{a0}67",
            "067–123–45–67",
            "\u{202a}+380671234567\u{202c}",
            "671234567",
            "8 067 123 45 67",
            "80671234567",
            "8-067-123-45-67",
            "00380671234567",
            "00 380 67 123-45-67",
            "067 123 45 67, 050 123 45 67",
            "067 123 45 67 Оля",
            "067 123 45 67 доб. 12",
            "067 123 45 67 #5",
            "  0671234567  ",
            "+0671234567",
            "+067 123 45 67",
        ],
    );
}

#[test]
fn one_russian_number_in_many_spellings() {
    check(
        "RU",
        "+79161234567",
        &[
            "+79161234567",
            "+7 (916) 123-45-67",
            "+7-916-123-45-67",
            "79161234567",
            "7 916 123 45 67",
            "89161234567",
            "8 (916) 123-45-67",
            "8-916-123-45-67",
            "9161234567",
            "916 123-45-67",
            "(916) 1234567",
            "0079161234567",
            "+89161234567",
            "+7 916 123 45 67 доб. 3",
        ],
    );
}

#[test]
fn polish_and_german_numbers() {
    let polish =
        ["+48 501 234 567", "501234567", "501-234-567", "48501234567", "0048 501 234 567", "+48501234567"];
    check("PL", "+48501234567", &polish);
    let german = [
        "+49 151 12345678",
        "0151 12345678",
        "0151/12345678",
        "4915112345678",
        "0049 151 12345678",
        "+49 (0)151 12345678",
    ];
    check("DE", "+4915112345678", &german);
}

#[test]
fn numbers_from_abroad_are_the_same_everywhere() {
    for country in ["UA", "RU", "PL", "DE", "US", "KZ", "BY"] {
        check(country, "+380671234567", &["+380671234567", "+38 067 123 45 67"]);
        check(country, "+79161234567", &["+7 916 123-45-67"]);
        check(country, "+48501234567", &["+48 501 234 567"]);
    }
    check("UA", "+79161234567", &["7 916 123 45 67"]);
    check("RU", "+380671234567", &["380671234567", "38 (067) 123-45-67"]);
    check("BY", "+375291234567", &["8 029 123 45 67", "80291234567", "375 29 123 45 67", "29 123 45 67"]);
    check("KZ", "+77011234567", &["8 701 123 45 67", "7011234567", "+7 701 123 45 67"]);
}

#[test]
fn what_is_no_number_is_not_read() {
    let unreadable = [
        "",
        "-",
        "+",
        "++",
        "12",
        "1234567",
        "0671234",
        "06712345678901",
        "+380000000000",
        "0000000000",
        "+999123456789",
        "позвоните",
        "тел. 0671234567",
        "☎0671234567",
        "+38067123456789012345",
        "abc0671234567",
    ];
    for text in unreadable {
        assert_eq!(Phone::read(text, Country::of_code("UA")), None, "{text:?}");
    }
    assert_eq!(Phone::read("0671234567", None), None, "a national number of no country");
}

#[test]
fn a_phone_is_never_printed() {
    let phone = Phone::read("+380671234567", None);
    assert_eq!(format!("{phone:?}"), "Some(Phone(…))");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_can_be_typed_panics(text in ".{0,40}", country in "[A-Z]{2}") {
        Phone::read(&text, Country::of_code(&country));
    }

    #[test]
    fn whatever_is_read_reads_as_itself(
        text in "(\\+|00|0|8|)[0-9]{5,16}",
        country in prop::sample::select(vec!["UA", "RU", "PL", "DE", "US", "GB", "IT", "FR", "AR", "MX", "BR", "CN", "KZ", "BY", "AU"]),
    ) {
        if let Some(phone) = Phone::read(&text, Country::of_code(country)) {
            let again = Phone::read(phone.as_str(), Country::of_code("UA"));
            prop_assert_eq!(again.map(|phone| phone.0), Some(phone.0.clone()), "{}", phone.0);
        }
    }
}
