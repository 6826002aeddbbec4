//! Looks twice: what is wrong in both looks about the same things is a violation.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::books::Books;
use crate::check::{Check, Look, Severity};
use crate::finding::{Finding, Finds, Key};
use crate::history::History;
use crate::outside::{self, Outside};
use crate::unreadable::Unreadable;
use crate::{checks, cursors, decisions, pairs, rows};

/// What is examined.
pub struct Examination {
    /// The databases, by service: `postgres://…` of a role that may read them.
    pub databases: BTreeMap<String, String>,
    /// What clients were told.
    pub history: Option<History>,
    /// The root of simulators whose books are compared, such as `http://127.0.0.1:8099`.
    pub simulators: Option<String>,
    /// How long what seems wrong may take to come right before it is looked at again; `None`: it is not looked at again.
    pub wait: Option<Duration>,
}

/// What was examined and found.
#[derive(Debug, Default)]
pub struct Report {
    /// Checks that were made.
    pub checks: usize,
    /// Violations and notices, in the order of the checks.
    pub findings: Vec<Finding>,
    /// How many violations and notices were found beyond those, by the name of the check.
    pub more: BTreeMap<&'static str, u64>,
}

/// How an examination goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// This check of so many begins.
    Begins {
        /// Which.
        check: &'static str,
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        of: usize,
    },
    /// So much is suspected, and looked at again later.
    Waits {
        /// Suspicions.
        suspicions: u64,
        /// Until they are looked at again.
        wait: Duration,
    },
}

impl Report {
    /// Violations, listed or not.
    pub fn violations(&self) -> u64 {
        self.count(Severity::Violation)
    }

    /// Notices, listed or not.
    pub fn notices(&self) -> u64 {
        self.count(Severity::Notice)
    }

    fn count(&self, severity: Severity) -> u64 {
        let listed = self.findings.iter().filter(|finding| finding.severity == severity).count() as u64;
        let of_severity =
            |name: &&str| checks::all().any(|check| check.name == *name && check.severity == severity);
        listed + self.more.iter().filter(|(name, _)| of_severity(name)).map(|(_, more)| more).sum::<u64>()
    }

    fn add(&mut self, check: &Check, finds: Finds<'_>) {
        self.findings.extend(finds.listed);
        if finds.more > 0 {
            self.more.insert(check.name, finds.more);
        }
    }
}

/// Examines everything. Long: `news` hears how it goes on.
pub async fn examine(examination: &Examination, news: impl Fn(News)) -> Result<Report, Unreadable> {
    let all: Vec<&Check> = checks::all().filter(|check| examination.asks(check)).collect();
    let first = look(examination, &all, None, &news).await?;
    let (wait, suspicions) = match examination.wait {
        Some(wait) if first.violations() > 0 => (wait, first.violations()),
        _ => return Ok(first),
    };

    news(News::Waits { suspicions, wait });
    tokio::time::sleep(wait).await;
    let suspected: BTreeSet<Key> = first.findings.iter().map(Finding::key).collect();
    let again: Vec<&Check> =
        all.iter().copied().filter(|check| suspected.iter().any(|(name, ..)| *name == check.name)).collect();
    let second = look(examination, &again, Some(&suspected), &news).await?;
    // Beyond what is listed nothing is known to be the same; a check that still finds its listed ones keeps the number.
    let still: BTreeSet<&str> = second.findings.iter().map(|finding| finding.check).collect();
    let more = first.more.into_iter().filter(|(name, _)| still.contains(name)).collect();
    Ok(Report { checks: first.checks, findings: second.findings, more })
}

/// Looks once, at one moment of all databases.
async fn look(
    examination: &Examination,
    checks: &[&Check],
    suspected: Option<&BTreeSet<Key>>,
    news: &impl Fn(News),
) -> Result<Report, Unreadable> {
    let books = Books::open(&examination.databases).await?;
    // Read after the databases' moment: what a provider has done since is not ours to know yet, and comes right later.
    let outside = match &examination.simulators {
        Some(root) => Outside::read(root).await?,
        None => Outside::default(),
    };
    let mut placed = None;
    let mut report = Report { checks: checks.len(), ..Report::default() };
    for (at, check) in checks.iter().enumerate() {
        news(News::Begins { check: check.name, number: at + 1, of: checks.len() });
        let mut finds = Finds::among(suspected);
        match &check.look {
            Look::Rows { database, sql } => rows::look(&books, check, database, sql, &mut finds).await?,
            Look::Everywhere { sql } => {
                for service in books.services() {
                    rows::look(&books, check, service, sql, &mut finds).await?;
                }
            }
            Look::Pair(pair) => pairs::look(&books, check, pair, &mut finds).await?,
            Look::Cursors(asked) => cursors::look(&books, check, *asked, &mut finds).await?,
            Look::History(asked) => {
                if placed.is_none()
                    && let Some(history) = &examination.history
                {
                    placed = Some(history.compare(&books).await?);
                }
                if let Some(placed) = &placed {
                    placed.look(check, *asked, &mut finds);
                }
            }
            Look::Charges(asked) => outside::charges(&books, check, *asked, &outside, &mut finds).await?,
            Look::Waybills(asked) => outside::waybills(&books, check, *asked, &outside, &mut finds).await?,
        }
        report.add(check, finds);
    }
    decisions::apply(&books, &mut report.findings).await?;
    Ok(report)
}

impl Examination {
    /// Whether there is anything to look at.
    fn asks(&self, check: &Check) -> bool {
        match check.look {
            Look::Rows { .. } | Look::Everywhere { .. } | Look::Pair(_) | Look::Cursors(_) => true,
            Look::History(_) => self.history.is_some(),
            Look::Charges(_) | Look::Waybills(_) => self.simulators.is_some(),
        }
    }
}
