//! What can go wrong with the database, and what a caller is told about it.

use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use rpc::Fault;
use tonic::Code;

/// The result of a database operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the database, or of the rules this crate keeps.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection became free in time.
    #[error("no database connection became free in time")]
    PoolExhausted,
    /// The server cannot be reached.
    #[error("the database cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A statement failed.
    #[error("a statement failed")]
    Statement(#[source] DieselError),
    /// The key was used for another request.
    #[error("this idempotency key was used for another request; use a new key")]
    KeyReused,
    /// The first call with the key still runs.
    #[error("the first call with this idempotency key still runs; repeat it shortly")]
    KeyInUse,
    /// The batcher's queue is full.
    #[error("too many calls are waiting; repeat it shortly")]
    QueueFull,
    /// Stored data breaks an invariant of the code that reads it.
    #[error("stored data cannot be read: {0}")]
    Corrupt(String),
    /// A sealed secret does not open.
    #[error("a stored secret does not open with this installation's key; enter it again")]
    Unsealable,
    /// Migrations failed.
    #[error("the database could not be migrated")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(kind, info) if is_outage(kind, info.message()) => {
                Self::Unreachable(Box::new(error))
            }
            DieselError::BrokenTransactionManager => Self::Unreachable(Box::new(error)),
            _ => {
                if let Some(contention) = Contention::of(&error) {
                    contention.count(1);
                }
                Self::Statement(error)
            }
        }
    }
}

impl Error {
    /// What a caller is told.
    pub fn fault(&self) -> Fault {
        let soon = Duration::from_secs(1);
        match self {
            Self::PoolExhausted | Self::QueueFull => {
                Fault::new(Code::ResourceExhausted, "BUSY", self.to_string()).retry_after(soon)
            }
            Self::Unreachable(source) => {
                tracing::warn!(error = %source, "the database cannot be reached");
                // Says nothing of when: another connection may work at once.
                Fault::new(Code::Unavailable, "DATABASE_UNAVAILABLE", self.to_string())
            }
            Self::Statement(error) if Contention::of(error).is_some() => {
                Fault::new(Code::Aborted, "CONTENTION", "others change the same rows; repeat it shortly")
                    .retry_after(soon)
            }
            Self::KeyReused => Fault::new(Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED", self.to_string()),
            Self::KeyInUse => {
                Fault::new(Code::Aborted, "IDEMPOTENCY_KEY_IN_USE", self.to_string()).retry_after(soon)
            }
            Self::Unsealable => Fault::new(Code::FailedPrecondition, "SECRET_UNREADABLE", self.to_string()),
            Self::Statement(_) | Self::Corrupt(_) | Self::Migration(_) => Fault::internal(self),
        }
    }

    /// Whether trying again may help: contention, a lost connection, no free connection.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::PoolExhausted | Self::QueueFull | Self::Unreachable(_) | Self::KeyInUse => true,
            Self::Statement(error) => Contention::of(error).is_some(),
            Self::KeyReused | Self::Corrupt(_) | Self::Unsealable | Self::Migration(_) => false,
        }
    }
}

/// A lost connection, a server that stops, or one that became a standby. Diesel hides the SQL state of the last two.
fn is_outage(kind: &DatabaseErrorKind, message: &str) -> bool {
    use DatabaseErrorKind::{ClosedConnection, ReadOnlyTransaction, UnableToSendCommand};
    matches!(kind, ClosedConnection | UnableToSendCommand | ReadOnlyTransaction)
        || message.starts_with("terminating connection")
        || message.starts_with("the database system is")
}

/// Why a statement lost against others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contention {
    Serialization,
    Deadlock,
    LockTimeout,
    StatementTimeout,
}

impl Contention {
    pub(crate) const ALL: [Self; 4] =
        [Self::Serialization, Self::Deadlock, Self::LockTimeout, Self::StatementTimeout];

    fn of(error: &DieselError) -> Option<Self> {
        let DieselError::DatabaseError(kind, info) = error else { return None };
        let message = info.message();
        if matches!(kind, DatabaseErrorKind::SerializationFailure) {
            Some(Self::Serialization)
        } else if message.contains("deadlock detected") {
            Some(Self::Deadlock)
        } else if message.contains("lock timeout") {
            Some(Self::LockTimeout)
        } else if message.contains("statement timeout") {
            Some(Self::StatementTimeout)
        } else {
            None
        }
    }

    pub(crate) fn count(self, times: u64) {
        metrics::counter!("korob_database_contention_total", "kind" => self.name()).increment(times);
    }

    fn name(self) -> &'static str {
        match self {
            Self::Serialization => "serialization",
            Self::Deadlock => "deadlock",
            Self::LockTimeout => "lock_timeout",
            Self::StatementTimeout => "statement_timeout",
        }
    }
}
