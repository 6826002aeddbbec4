//! An e-mail address as an identity: trimmed and in lower case.

#[cfg(test)]
mod tests;

use std::fmt;

/// A plausible address in lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Email(String);

const LENGTH_MAX: usize = 254;
const LOCAL_LENGTH_MAX: usize = 64;

impl Email {
    /// Reads an address; `None` when no mail could ever reach it.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let address = text.trim().to_lowercase();
        let (local, domain) = address.split_once('@')?;
        let dotted = |part: &str| !part.is_empty() && part.split('.').all(|label| !label.is_empty());
        let valid = address.len() <= LENGTH_MAX
            && local.len() <= LOCAL_LENGTH_MAX
            && dotted(local)
            && dotted(domain)
            && domain.contains('.')
            && domain.split('.').all(|label| !label.starts_with('-') && !label.ends_with('-'))
            && !address.chars().any(is_foreign);
        let one_at = !domain.contains('@');
        (valid && one_at).then_some(Self(address))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Characters that stand around addresses, never in one that people use.
fn is_foreign(letter: char) -> bool {
    letter.is_whitespace() || letter.is_control() || "<>()[]\\,;:\"".contains(letter)
}

/// Never shows the address: what is printed ends up in logs.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}
