//! Pages for the buyer's browser.

use crate::answer::Answer;

/// A button that posts one field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice {
    pub field: &'static str,
    pub value: &'static str,
    pub text: &'static str,
}

/// A page with a decision to take.
pub(crate) fn decision(title: &str, text: &str, choices: &[Choice]) -> Answer {
    let buttons: String = choices.iter().map(button).collect();
    let form = format!("<p>{}</p><form method=\"post\">{buttons}</form>", escaped(text));
    Answer::html(200, document(title, &form))
}

/// A page that only says something.
pub(crate) fn notice(status: u16, text: &str) -> Answer {
    Answer::html(status, document("Payment", &format!("<p>{}</p>", escaped(text))))
}

/// There is nothing to decide here.
pub(crate) fn gone() -> Answer {
    notice(404, "There is no payment here that waits for you.")
}

/// `url` with one more parameter.
pub(crate) fn with_query(url: &str, name: &str, value: &str) -> String {
    let (address, fragment) =
        url.split_once('#').map_or((url, None), |(address, rest)| (address, Some(rest)));
    let parameter = form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
    let mark = if address.contains('?') { '&' } else { '?' };
    let fragment = fragment.map(|rest| format!("#{rest}")).unwrap_or_default();
    format!("{address}{mark}{parameter}{fragment}")
}

fn button(choice: &Choice) -> String {
    let Choice { field, value, text } = choice;
    format!("<button name=\"{field}\" value=\"{value}\">{text}</button> ")
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{0}</title><style>body{{font:16px sans-serif;max-width:30rem;margin:3rem \
         auto;padding:0 1rem}}button{{font:inherit;padding:.5rem 1rem}}</style></head><body><h1>{0}</h1>{body}\
         <p><small>This is a simulator: no money moves.</small></p></body></html>",
        escaped(title)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
