//! Which encoding a file is in: its byte order mark says, or its XML declaration, or it is UTF-8.

use encoding_rs::{Encoding, UTF_8};

/// The longest XML declaration that is looked at, in bytes.
pub(super) const DECLARATION_LENGTH_MAX: usize = 1024;

/// The encoding of a file that begins with `head`; the name of one that is not known is the error.
pub(super) fn detect(head: &[u8]) -> Result<&'static Encoding, String> {
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return Ok(encoding);
    }
    match declared(head) {
        Some(label) => Encoding::for_label(label.as_bytes()).ok_or(label),
        None => Ok(UTF_8),
    }
}

/// Whether `head` holds all of the declaration, if there is one.
pub(super) fn is_enough(head: &[u8]) -> bool {
    head.len() >= DECLARATION_LENGTH_MAX || head.windows(2).any(|two| two == b"?>")
}

fn declared(head: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&head[..head.len().min(DECLARATION_LENGTH_MAX)]);
    let declaration = head.trim_start().strip_prefix("<?xml")?.split("?>").next()?;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    value[1..].split(quote).next().map(str::to_owned)
}
