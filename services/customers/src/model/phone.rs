//! A phone: however it is spelled, one identity in E.164.

#[cfg(test)]
mod tests;

use std::fmt;

use phonenumber::country::Id;

use crate::model::Country;

/// A valid phone in E.164, such as `+380671234567`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Phone(String);

/// Fewer digits are no phone; what follows a number of at least so many is not read.
const DIGITS_MIN: usize = 5;
/// E.164 has 15; an international prefix and a trunk prefix come on top.
const DIGITS_MAX: usize = 20;
/// A number of a foreign country written without its plus has at least so many digits.
const FOREIGN_DIGITS_MIN: usize = 11;

impl Phone {
    /// Reads a phone as it is written in `country`; `None` when it is not a number that exists.
    pub(crate) fn read(text: &str, country: Option<Country>) -> Option<Self> {
        let spelling = Spelling::of(text)?;
        let international = spelling.international().and_then(|number| Self::valid(None, &number));
        international
            .or_else(|| country.and_then(|country| Self::national(&spelling.digits, country)))
            .or_else(|| spelling.foreign().and_then(|number| Self::valid(None, &number)))
    }

    /// Loads the telephone plans of the world, which takes a moment: before the first buyer waits for it.
    pub(crate) fn prepare() {
        let example = Country::home().and_then(|home| Self::read("0671234567", Some(home)));
        tracing::debug!(readable = example.is_some(), "the telephone plans are loaded");
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads digits as people of `country` write them: with the country's code, with its trunk prefix, with neither.
    fn national(digits: &str, country: Country) -> Option<Self> {
        let code = country.plan.country_code();
        let with_code = digits.starts_with(&code.to_string()).then(|| format!("+{digits}"));
        // Ukraine's trunk prefix was 8 until 2009 and people still write 8 067 …
        let old_trunk = (country.id == Id::UA && digits.starts_with("80")).then(|| format!("+3{digits}"));
        let trunk = country.plan.national_prefix().and_then(|prefix| digits.strip_prefix(prefix));
        let with_trunk = trunk.map(|rest| format!("+{code}{rest}"));
        let bare = Some(format!("+{code}{digits}"));
        let plain = [with_code, old_trunk, with_trunk, bare].into_iter().flatten();
        plain
            .filter_map(|number| Self::valid(None, &number))
            .next()
            // Area codes inside prefixes, carrier codes: what the country's own rules say.
            .or_else(|| Self::valid(Some(country.id), digits))
    }

    fn valid(country: Option<Id>, number: &str) -> Option<Self> {
        let written = Self::written(country, number)?;
        // A spelling that itself reads as another number, or as none, would lead to a second card.
        let settled = written == number || Self::written(None, &written).as_deref() == Some(&written);
        settled.then_some(Self(written))
    }

    fn written(country: Option<Id>, number: &str) -> Option<String> {
        let number = phonenumber::parse(country, number).ok().filter(phonenumber::is_valid)?;
        // What the formatter writes, without the search for a national pattern that E.164 has no use for.
        Some(format!("+{}{}", number.country().code(), number.national()))
    }
}

/// What a phone is written as, without its decoration.
struct Spelling {
    plus: bool,
    digits: String,
}

impl Spelling {
    fn of(text: &str) -> Option<Self> {
        let mut spelling = Self { plus: false, digits: String::new() };
        for letter in text.trim().chars() {
            match letter {
                '0'..='9' => spelling.digits.push(letter),
                '+' | '＋' if spelling.digits.is_empty() => spelling.plus = true,
                _ if is_decoration(letter) => {}
                // An extension, a second phone, a word.
                _ if spelling.digits.len() >= DIGITS_MIN => break,
                _ => return None,
            }
        }
        (DIGITS_MIN..=DIGITS_MAX).contains(&spelling.digits.len()).then_some(spelling)
    }

    /// The number when it is written for callers from abroad.
    fn international(&self) -> Option<String> {
        if self.plus {
            return Some(format!("+{}", self.digits));
        }
        self.digits.strip_prefix("00").map(|number| format!("+{number}"))
    }

    fn foreign(&self) -> Option<String> {
        (!self.plus && self.digits.len() >= FOREIGN_DIGITS_MIN).then(|| format!("+{}", self.digits))
    }
}

fn is_decoration(letter: char) -> bool {
    let dash = matches!(letter, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ad}');
    let invisible =
        matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}');
    dash || invisible || letter.is_whitespace() || matches!(letter, '(' | ')' | '[' | ']' | '.' | '/')
}

/// Never shows the number: what is printed ends up in logs.
impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(…)")
    }
}
