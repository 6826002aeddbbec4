//! Spellings of e-mails.

use proptest::prelude::*;

use super::Email;

fn read(text: &str) -> Option<String> {
    Email::read(text).map(|email| email.as_str().to_owned())
}

#[test]
fn case_and_spaces_around_do_not_matter() {
    for text in ["olha@example.com", "Olha@Example.COM", "  OLHA@EXAMPLE.com\t"] {
        assert_eq!(read(text).as_deref(), Some("olha@example.com"));
    }
    assert_eq!(read("ОЛЬГА@ПРИКЛАД.УКР").as_deref(), Some("ольга@приклад.укр"));
    assert_eq!(read("o+shop@mail.example.com").as_deref(), Some("o+shop@mail.example.com"));
}

#[test]
fn what_no_mail_reaches_is_not_read() {
    let long = format!("{}@example.com", "o".repeat(65));
    let unreadable = [
        "",
        "olha",
        "@example.com",
        "olha@",
        "olha@example",
        "o@l@example.com",
        "o lha@example.com",
        "olha@.com",
        "olha@example.",
        "olha@exa..mple.com",
        ".olha@example.com",
        "<olha@example.com>",
        "olha@-example.com",
        "olha@example.com,ivan@example.com",
        "ol\0ha@example.com",
        &long,
    ];
    for text in unreadable {
        assert_eq!(read(text), None, "{text:?}");
    }
}

proptest! {
    #[test]
    fn whatever_is_read_reads_as_itself(text in "[ A-Za-z.@+-]{0,30}|.{0,30}") {
        if let Some(email) = read(&text) {
            prop_assert_eq!(read(&email), Some(email.clone()));
        }
    }
}
