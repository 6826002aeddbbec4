//! Why something could not be read, with what to do about it.

use std::fmt::Write as _;

use tokio_postgres::error::SqlState;

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// A database is not there, or refuses.
    #[error("the database of {service} cannot be read: {why}")]
    Database {
        /// Whose it is.
        service: String,
        /// What was said, and what may help.
        why: String,
    },
    /// What clients were told is no such file.
    #[error("the history cannot be read: {0}")]
    History(String),
    /// The simulators do not answer.
    #[error("the simulators cannot be read: {0}")]
    Simulators(String),
}

impl Unreadable {
    /// PostgreSQL's refusal, for a person to read.
    pub(crate) fn database(service: &str, error: &tokio_postgres::Error) -> Self {
        let mut why = match error.as_db_error() {
            Some(refusal) => refusal.message().to_owned(),
            None => whole_story(error),
        };
        let advice = match error.code() {
            None => Some(format!(
                "is PostgreSQL running, and does services.{service}.reader_url (or database_url) lead to it?"
            )),
            Some(code) if *code == SqlState::UNDEFINED_TABLE || *code == SqlState::UNDEFINED_COLUMN => {
                Some("its schema is not that of this version: run `korob migrate`".to_owned())
            }
            Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
                Some("the role may not read it: GRANT pg_read_all_data TO the role, and CONNECT".to_owned())
            }
            Some(code) if *code == SqlState::INVALID_CATALOG_NAME => {
                Some(format!("does services.{service}.reader_url (or database_url) name the right database?"))
            }
            Some(code) if *code == SqlState::INVALID_PASSWORD => {
                Some(format!("services.{service}.reader_url (or database_url) has another password"))
            }
            Some(_) => None,
        };
        if let Some(advice) = advice {
            let _ = write!(why, "; {advice}");
        }
        Self::Database { service: service.to_owned(), why }
    }
}

/// An error with all its causes, each told once.
fn whole_story(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !told.contains(&more) {
            let _ = write!(told, ": {more}");
        }
        cause = error.source();
    }
    told
}
