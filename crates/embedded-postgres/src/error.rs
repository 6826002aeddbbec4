//! What can go wrong with a private PostgreSQL, each with what to do about it.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitStatus,
};

/// Why PostgreSQL could not be started, stopped or given a database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No directory holds both `postgres` and `initdb`.
    #[error(
        "PostgreSQL's server programs are not installed (looked for `postgres` and `initdb` in {looked_in}). \
         Install them: apt-get install -y postgresql"
    )]
    BinariesMissing {
        /// The places that were searched.
        looked_in: String,
    },
    /// The data was written by another major version than the ones installed.
    #[error(
        "{} holds data of PostgreSQL {needed}, but only version {found} is installed. \
         Install the matching one: apt-get install -y postgresql-{needed}",
        data_dir.display()
    )]
    VersionMismatch {
        /// The directory whose data decides the version.
        data_dir: PathBuf,
        /// The major version that wrote the data.
        needed: u32,
        /// The major versions that were found.
        found: String,
    },
    /// Another process runs PostgreSQL in this data directory.
    #[error("{} is in use by another process: stop it, or choose another data directory", data_dir.display())]
    InUse {
        /// The directory in use.
        data_dir: PathBuf,
    },
    /// A server of a process that is gone does not end.
    #[error("processes {pids:?} of an earlier PostgreSQL in {} do not end", data_dir.display())]
    LeftoversRemain {
        /// The directory they work in.
        data_dir: PathBuf,
        /// Their process ids.
        pids: Vec<i32>,
    },
    /// PostgreSQL refuses to run as root and there is nobody else to run it.
    #[error("PostgreSQL does not run as root, and neither user `postgres` nor `nobody` exists to run it")]
    NoAccount,
    /// The user who runs the server cannot reach the data directory.
    #[error(
        "{} cannot hold PostgreSQL's data: it is closed to user id {uid}, who runs the server, at {}. \
         Choose a directory outside, such as /var/lib/korob",
        data_dir.display(),
        closed_at.display()
    )]
    Unreachable {
        /// The directory asked for.
        data_dir: PathBuf,
        /// The ancestor that the server's user may not enter.
        closed_at: PathBuf,
        /// The server's user.
        uid: u32,
    },
    /// `initdb` failed.
    #[error("initdb failed ({status}): {output}")]
    Initdb {
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        output: String,
    },
    /// The server ended before it took a connection.
    #[error("PostgreSQL ended while starting ({status}). The end of {}:\n{log_tail}", log.display())]
    Start {
        /// How it ended.
        status: ExitStatus,
        /// The whole log.
        log: PathBuf,
        /// The last lines of the log.
        log_tail: String,
    },
    /// The server runs, but takes no connection in time.
    #[error("PostgreSQL took no connection within {seconds} s: {last}")]
    NotReady {
        /// How long it was given.
        seconds: u64,
        /// What the last try answered.
        last: String,
    },
    /// The server did not end in time after a request for a fast shutdown.
    #[error("PostgreSQL did not stop within {seconds} s")]
    NotStopped {
        /// How long it was given.
        seconds: u64,
    },
    /// A database name that is no plain identifier, or taken.
    #[error(
        "{name:?} cannot name a database: use a-z, 0-9 and _, a letter first, at most 63 characters, and no name \
         of PostgreSQL's own"
    )]
    DatabaseName {
        /// The refused name.
        name: String,
    },
    /// PostgreSQL refused a statement or the connection was lost.
    #[error("PostgreSQL: {}", reason(.0))]
    Sql(#[from] tokio_postgres::Error),
    /// The operating system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The answer.
        source: io::Error,
    },
}

/// tokio-postgres calls every refusal "db error"; what the server said is one level below.
fn reason(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string)
}

impl Error {
    /// Turns an I/O error into one that says what was tried on which path.
    pub(crate) fn io<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }
}
