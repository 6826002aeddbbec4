//! The oracle of an installation: reads every database, and says what cannot be true.
//!
//! Checks are data: a name, a sentence, and SQL (`checks.rs` lists them, `checks/*.rs` tell). Each database is read in one
//! snapshot that cannot write. The snapshots are of different moments, so what seems wrong is only suspected: it is looked at
//! again later in fresh ones, and what is wrong about the same things then is a violation.
//!
//! Reading order: `check` says what a check is, `books` opens the databases, `rows`, `pairs`, `cursors`, `history` and
//! `outside` look, `finding` is what they find, `examine` looks twice, `decisions` says what operators have looked at already.

mod books;
mod check;
mod checks;
mod cursors;
mod decisions;
mod examine;
mod finding;
mod history;
mod outside;
mod pairs;
mod rows;
mod unreadable;

pub use books::{Log, logs};
pub use check::{Check, Severity};
pub use checks::all;
pub use examine::{Examination, News, Report, examine};
pub use finding::{Decided, Finding, LISTED_MAX};
pub use history::History;
pub use unreadable::Unreadable;
