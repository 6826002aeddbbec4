//! What an answer of a provider means for the attempt that it was asked about.

use chrono::{DateTime, Utc};
use types::AttemptId;

use crate::error::Result;
use crate::model::attempt::{Attempt, ChargeStatus, Report, Step};
use crate::model::change::Change;
use crate::model::payment::Payment;
use crate::providers::{Answer, Asked, Trouble};

/// Whether the attempt was stored just now and nobody has called the provider for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    First,
    Later,
}

/// What was learned about an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    Report(Report),
    /// The first call did nothing.
    NeverCalled {
        code: String,
    },
    CaptureRefused {
        code: String,
    },
}

impl News {
    /// What `answer` tells that was heard when `step` was taken for `attempt`; `None`: nothing.
    pub fn of(answer: &Answer<Asked>, attempt: &Attempt, (step, turn): (Step, Turn)) -> Option<Self> {
        let failed = |code: &str| {
            let status = ChargeStatus::Failed { code: code.to_owned() };
            Self::Report(Report { reference: attempt.reference.clone(), status })
        };
        match answer {
            Ok(Asked::Found(report)) => Some(Self::Report(report.clone())),
            Ok(Asked::Never) => Some(failed("never_arrived")),
            Err(Trouble::NotDone { code }) if turn == Turn::First => {
                Some(Self::NeverCalled { code: code.clone() })
            }
            Err(Trouble::Refused { code }) if step == Step::Ask => Some(failed(code)),
            Err(Trouble::Refused { code }) if matches!(step, Step::Capture(_)) => {
                Some(Self::CaptureRefused { code: code.clone() })
            }
            Ok(Asked::NotYet) | Err(_) => None,
        }
    }

    /// Decides what becomes of the payment of the attempt `id`.
    pub fn apply(&self, payment: &mut Payment, id: AttemptId, now: DateTime<Utc>) -> Result<Change> {
        match self {
            Self::Report(report) => payment.follow(id, report, now),
            Self::NeverCalled { code } => payment.fail_first_call(id, code, now),
            Self::CaptureRefused { code } => Ok(payment.refuse_capture(id, code, now)),
        }
    }
}
