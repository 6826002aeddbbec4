//! What the oracle says once a fault is over.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use check::{Examination, History, Severity};

use crate::market::Market;
use crate::suite::SERVICES;

/// Every saga has come to its end within this after the last fault.
const SAGAS_ENDED_MAX: Duration = Duration::from_secs(60);
/// All else, too: a parcel is the dead worker's for a minute, and then its carrier is asked.
const CONVERGENCE_MAX: Duration = Duration::from_secs(100);
const PAUSE: Duration = Duration::from_millis(500);
/// Sagas that have not come to their end.
pub const OPEN_SAGAS: &str = "SELECT count(*) FROM sagas WHERE state IN ('running', 'unwinding')";

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wrong {
    /// The check that found it.
    pub check: String,
    /// What it is about.
    pub about: String,
    /// For people.
    pub says: String,
}

/// Waits until everything has come to its end and nothing is wrong; what is wrong for longer is a failure.
pub async fn clean(market: &Market) -> Duration {
    let started = Instant::now();
    loop {
        let open = open_sagas(market).await;
        let wrong = violations(market).await;
        let waited = started.elapsed();
        if wrong.is_empty() && open == 0 {
            return waited;
        }
        let wrong: Vec<&str> = wrong.iter().take(40).map(|wrong| wrong.says.as_str()).collect();
        assert!(
            open == 0 || waited < SAGAS_ENDED_MAX,
            "after {waited:?} {open} sagas are open; {}",
            wrong.join("\n")
        );
        assert!(waited < CONVERGENCE_MAX, "this is wrong after {waited:?}:\n{}", wrong.join("\n"));
        tokio::time::sleep(PAUSE).await;
    }
}

/// What is wrong now, with whatever is only under way.
pub async fn violations(market: &Market) -> Vec<Wrong> {
    let databases: BTreeMap<String, String> = SERVICES
        .iter()
        .map(|name| ((*name).to_owned(), market.suite.database_url(name).to_owned()))
        .collect();
    let examination = Examination {
        databases,
        history: Some(History::read(&market.history.path).unwrap()),
        simulators: Some(market.simulators.root()),
        wait: None,
    };
    let report = check::examine(&examination, |_| {}).await.unwrap();
    let found = report.findings.into_iter().filter(|finding| finding.severity == Severity::Violation);
    found
        .map(|finding| Wrong {
            check: finding.check.to_owned(),
            about: format!("{:?}", finding.ids),
            says: finding.to_string(),
        })
        .collect()
}

async fn open_sagas(market: &Market) -> i64 {
    let mut open = 0;
    for service in SERVICES {
        open += market.suite.number(service, OPEN_SAGAS).await;
    }
    open
}
