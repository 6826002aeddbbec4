//! Which version of a resource a caller has read.

use rpc::Fields;

use crate::error::{Error, Result};

/// The version that was read; `None` for a caller who does not care.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Etag(Option<i64>);

impl Etag {
    /// Reads an etag; the empty one matches every version.
    pub(crate) fn parse(fields: &mut Fields, field: &str, text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self(None));
        }
        let version = text.parse().ok();
        fields.check(version.is_some(), field, "MALFORMED", "send the etag as it was read, or none");
        version.map(|version| Self(Some(version)))
    }

    /// Refuses when the resource has gone on since.
    pub(crate) fn check(self, current: i64) -> Result<()> {
        match self.0 {
            Some(read) if read != current => Err(Error::EtagMismatch { current }),
            _ => Ok(()),
        }
    }
}
