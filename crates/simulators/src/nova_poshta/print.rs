//! Print forms, by a link with the key in it.

use super::book::Book;
use super::is_key;
use crate::answer::Answer;
use crate::asked::Asked;
use crate::pdf;

/// `/orders/<form>/orders[]/<number or ref>/type/pdf/apiKey/<key>`. What is wrong comes as a page, not as a PDF.
pub(super) fn form(book: &mut Book, asked: &Asked) -> Answer {
    let (number, key) = (asked.segment(3), asked.segment(7));
    let own = book
        .documents
        .get(number)
        .filter(|document| is_key(key) && document.account == key && !document.deleted);
    let Some(document) = own else {
        return Answer::html(200, "<p>Документ не знайдено</p>".to_owned());
    };
    Answer::pdf(pdf::page(&[
        document.number.clone(),
        document.service.clone(),
        document.recipient.clone(),
        document.phone.clone(),
        document.place.clone(),
        format!("{} kg", document.weight),
    ]))
}
