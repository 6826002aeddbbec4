//! A check: its name, what it asserts in one sentence, and where it looks.

use serde::Serialize;

use crate::pairs::Pair;

/// Something that must be true.
#[derive(Debug)]
pub struct Check {
    /// In kebab case; never changes, because people and alerts know it by it.
    pub name: &'static str,
    /// What must be so, in one sentence.
    pub says: &'static str,
    /// What it means when it is not so.
    pub severity: Severity,
    pub(crate) look: Look,
}

/// How bad it is when a check finds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It must never be.
    Violation,
    /// Somebody should look at it; nothing is broken.
    Notice,
}

/// Where a check looks.
#[derive(Debug)]
pub(crate) enum Look {
    /// In one database: every row of the statement is wrong. Columns `expected` and `found` are what differs, all others are
    /// ids.
    Rows {
        /// Of which service.
        database: &'static str,
        /// The statement.
        sql: &'static str,
    },
    /// The same in every database.
    Everywhere {
        /// The statement.
        sql: &'static str,
    },
    /// In two databases, row by row.
    Pair(Pair),
    /// In the cursors of every database, and in the logs that they are of.
    Cursors(Cursors),
    /// In what clients were told, and in the orders.
    History(Told),
    /// In the books of card providers, and in the payments.
    Charges(Charges),
    /// In the books of carriers, and in the parcels.
    Waybills(Waybills),
}

/// What is asked of a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cursors {
    /// It is of the log as it is, not of one that was restored, and not ahead of it. One question: a consumer that sees
    /// that it is ahead trusts its cursor no more, and what was suspected first is found again.
    OfThisLog,
    /// What it still needs is still there.
    NotTrimmed,
}

/// What is asked of what clients were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// What was acknowledged is there.
    Lost,
    /// And once; so is what nobody knows the outcome of.
    Doubled,
    /// As it was acknowledged.
    Altered,
    /// What was refused is not there.
    Refused,
}

/// What is asked of a provider's book of charges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charges {
    /// One capture per attempt, and per payment.
    Once,
    /// What it took is what we know.
    Captured,
    /// What it gave back is what we know.
    Refunded,
}

/// What is asked of a carrier's book of waybills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waybills {
    /// One live waybill per parcel.
    Once,
    /// Each is a parcel of ours, and each parcel of ours has one.
    Known,
}

impl Check {
    /// A check of one database.
    pub(crate) const fn rows(
        database: &'static str,
        name: &'static str,
        says: &'static str,
        sql: &'static str,
    ) -> Self {
        Self { name, says, severity: Severity::Violation, look: Look::Rows { database, sql } }
    }

    /// A check of each database.
    pub(crate) const fn everywhere(name: &'static str, says: &'static str, sql: &'static str) -> Self {
        Self { name, says, severity: Severity::Violation, look: Look::Everywhere { sql } }
    }

    /// A check that looks in a way of its own.
    pub(crate) const fn looking(name: &'static str, says: &'static str, look: Look) -> Self {
        Self { name, says, severity: Severity::Violation, look }
    }

    /// The same, where what is found is only to be looked at.
    pub(crate) const fn noticed(self) -> Self {
        let Self { name, says, look, .. } = self;
        Self { name, says, severity: Severity::Notice, look }
    }
}
