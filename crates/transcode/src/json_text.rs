//! Takes JSON text apart: strings, numbers and punctuation, with nothing tolerated that RFC 8259 forbids.

use std::borrow::Cow;

use crate::violation::{Reason, Result, Violation};

/// A position in a JSON text.
#[derive(Debug)]
pub(crate) struct JsonText<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> JsonText<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Violation::new(Reason::InvalidUtf8, "the body must be UTF-8"))?;
        Ok(Self { text, at: 0 })
    }

    /// The next byte that is not white space; stays before it. 0 at the end.
    pub(crate) fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied().unwrap_or(0)
    }

    /// Passes over one byte if it is the next one.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte && self.at < self.text.len();
        self.at += usize::from(found);
        found
    }

    pub(crate) fn expect(&mut self, byte: u8) -> Result<()> {
        if self.take(byte) { Ok(()) } else { Err(self.unexpected(&format!("'{}'", byte as char))) }
    }

    /// After a member: true when another one follows, false at the closing bracket.
    pub(crate) fn another(&mut self, close: u8) -> Result<bool> {
        if self.take(b',') {
            return Ok(true);
        }
        if self.take(close) {
            return Ok(false);
        }
        Err(self.unexpected(&format!("',' or '{}'", close as char)))
    }

    pub(crate) fn end(&mut self) -> Result<()> {
        if self.peek() == 0 && self.at == self.text.len() {
            return Ok(());
        }
        Err(Violation::new(
            Reason::TrailingText,
            format_args!("nothing may follow the JSON value; found more at byte {}", self.at),
        ))
    }

    /// Passes over `true`, `false` or `null`.
    pub(crate) fn word(&mut self, word: &str) -> Result<()> {
        self.peek();
        if !self.text[self.at..].starts_with(word) {
            return Err(self.unexpected("a JSON value"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Reads a string; borrows it when it has no escapes.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>> {
        if !self.take(b'"') {
            return Err(self.unexpected("a string in double quotes"));
        }
        let start = self.at;
        match self.plain_run()? {
            b'"' => {
                let text = &self.text[start..self.at];
                self.at += 1;
                Ok(Cow::Borrowed(text))
            }
            _ => self.escaped_string(start).map(Cow::Owned),
        }
    }

    /// Reads a number as text and checks its grammar.
    pub(crate) fn number(&mut self) -> Result<&'a str> {
        self.peek();
        let start = self.at;
        let bytes = self.text.as_bytes();
        let digits = |mut at: usize| {
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        let mut at = start + usize::from(bytes.get(start) == Some(&b'-'));
        let whole = at;
        at = digits(at);
        let leading_zero = at - whole > 1 && bytes[whole] == b'0';
        let mut valid = at > whole && !leading_zero;
        if valid && bytes.get(at) == Some(&b'.') {
            let fraction = at + 1;
            at = digits(fraction);
            valid = at > fraction;
        }
        if valid && matches!(bytes.get(at), Some(b'e' | b'E')) {
            let exponent = at + 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            at = digits(exponent);
            valid = at > exponent;
        }
        if !valid {
            return Err(self.unexpected("a number"));
        }
        self.at = at;
        Ok(&self.text[start..at])
    }

    pub(crate) fn unexpected(&self, wanted: &str) -> Violation {
        let found = if self.at >= self.text.len() { "the end" } else { "something else" };
        Violation::new(
            Reason::InvalidJson,
            format_args!("expected {wanted}, found {found} at byte {}", self.at),
        )
    }

    /// Passes over ordinary characters up to a quote or a backslash.
    fn plain_run(&mut self) -> Result<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
        self.at += length.unwrap_or(rest.len());
        match length.map(|length| rest[length]) {
            Some(stop @ (b'"' | b'\\')) => Ok(stop),
            Some(_) => Err(self.unexpected("an escaped control character")),
            None => Err(self.unexpected("the end of the string")),
        }
    }

    fn escaped_string(&mut self, start: usize) -> Result<String> {
        let mut out = self.text[start..self.at].to_owned();
        loop {
            self.at += 1;
            out.push(self.escape()?);
            let run = self.at;
            let stop = self.plain_run()?;
            out.push_str(&self.text[run..self.at]);
            if stop == b'"' {
                self.at += 1;
                return Ok(out);
            }
        }
    }

    /// Reads what follows a backslash.
    fn escape(&mut self) -> Result<char> {
        let character = match self.text.as_bytes().get(self.at) {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(*byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.unexpected("a known escape")),
        };
        self.at += 1;
        Ok(character)
    }

    fn unicode_escape(&mut self) -> Result<char> {
        let first = self.code_unit()?;
        let code_point = match first {
            0xd800..=0xdbff => match self.low_surrogate()? {
                Some(second) => 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00),
                None => first,
            },
            other => other,
        };
        char::from_u32(code_point).ok_or_else(|| {
            Violation::new(Reason::LoneSurrogate, "a \\u escape must not name half of a surrogate pair")
        })
    }

    fn low_surrogate(&mut self) -> Result<Option<u32>> {
        if !self.text[self.at..].starts_with("\\u") {
            return Ok(None);
        }
        self.at += 1;
        Ok(Some(self.code_unit()?).filter(|unit| (0xdc00..=0xdfff).contains(unit)))
    }

    /// Reads `u` and four hexadecimal digits.
    fn code_unit(&mut self) -> Result<u32> {
        let digits = self.text.as_bytes().get(self.at + 1..self.at + 5);
        let value = digits.and_then(|digits| {
            digits.iter().try_fold(0, |value, digit| Some(value * 16 + char::from(*digit).to_digit(16)?))
        });
        let value = value.ok_or_else(|| self.unexpected("four hexadecimal digits"))?;
        self.at += 5;
        Ok(value)
    }
}
