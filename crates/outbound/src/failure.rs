//! Why there is no answer.

/// Why there is no answer. The texts name hosts and causes, never secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The request surely did not arrive: nobody listened, or it could not be written down. It may be sent again.
    #[error("not sent to {host}: {cause}")]
    Unsent {
        /// Host and port.
        host: String,
        /// What went wrong.
        cause: String,
    },
    /// The request may have been carried out, but its answer did not arrive whole and in time. Ask; do not repeat.
    #[error("no answer of {host}: {cause}")]
    Unknown {
        /// Host and port.
        host: String,
        /// What went wrong.
        cause: String,
    },
}

impl Failure {
    /// Whether the request surely did not arrive.
    pub fn is_unsent(&self) -> bool {
        matches!(self, Self::Unsent { .. })
    }
}
