//! `korob check`: looks for what cannot be true in all databases, twice, and prints each violation with its ids.

use std::collections::BTreeMap;
use std::process::ExitCode;

use check::{Examination, History, News, Report, Severity};
use embedded_postgres::Error as PostgresError;
use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::{Check, Wait};
use crate::configuration::Configuration;
use crate::postgres::Databases;
use crate::roles::SERVICES;
use crate::runtime_file;

/// The exit status when nothing can be said.
pub const UNREADABLE: u8 = 2;
const VIOLATIONS: u8 = 1;

/// Exit status 0: nothing is wrong; 1: violations; an error: something could not be read.
pub async fn run(configuration: Configuration, asked: Check) -> anyhow::Result<ExitCode> {
    if asked.list {
        for check in check::all() {
            let notice = if check.severity == Severity::Notice { " (notice)" } else { "" };
            println!("{}: {}{notice}", check.name, check.says);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let history = asked.history.as_deref().map(History::read).transpose()?;
    let places = Places::find(&configuration).await?;
    let examination = Examination {
        databases: places.urls(),
        history,
        simulators: asked.simulators,
        wait: match asked.wait {
            Wait::None => None,
            Wait::For(wait) => Some(wait),
        },
    };

    let examined = examine(&examination).await;
    places.close().await?;
    let report = examined?;

    match asked.json {
        true => println!("{}", serde_json::to_string_pretty(&report.findings)?),
        false => print(&report),
    }
    for (check, more) in &report.more {
        eprintln!("… and {more} more of {check}");
    }
    Ok(if report.violations() == 0 { ExitCode::SUCCESS } else { ExitCode::from(VIOLATIONS) })
}

/// Shows on standard error how it goes on: a line that moves for people, the wait for everybody.
pub(super) async fn examine(examination: &Examination) -> Result<Report, check::Unreadable> {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let report = check::examine(examination, |news| match news {
        News::Begins { check, number, of } => {
            bar.set_length(of as u64);
            bar.set_position(number as u64 - 1);
            bar.set_message(check);
        }
        News::Waits { suspicions, wait } => bar.suspend(|| {
            eprintln!("{suspicions} suspicions: looking at them again in {:.1} s …", wait.as_secs_f64());
        }),
    })
    .await;
    bar.finish_and_clear();
    report
}

fn print(report: &Report) {
    for finding in &report.findings {
        println!("{finding}");
    }
    println!("{} checks: {} violations, {} notices", report.checks, report.violations(), report.notices());
}

/// Where the databases are, and the server that this process runs for them while no suite does.
pub(super) struct Places {
    urls: BTreeMap<String, String>,
    own: Option<Databases>,
}

impl Places {
    pub(super) async fn find(configuration: &Configuration) -> anyhow::Result<Self> {
        // Looking must not make what is looked for.
        let data_dir = configuration.data_dir();
        let outside = SERVICES.iter().all(|name| !configuration.service(name).database_url.is_empty());
        let is_there = outside || data_dir.join("postgres").exists();
        anyhow::ensure!(
            is_there,
            "no suite has run over {}, and no databases are configured",
            data_dir.display()
        );
        match Databases::open(configuration).await {
            Ok(databases) => {
                let url = |name: &str| (name.to_owned(), databases.reader_url(name).to_owned());
                Ok(Self { urls: SERVICES.into_iter().map(url).collect(), own: Some(databases) })
            }
            Err(error) if is_in_use(&error) => Self::of_running_suite(configuration),
            Err(error) => Err(error),
        }
    }

    /// A suite runs over the data directory and has left where its databases are.
    fn of_running_suite(configuration: &Configuration) -> anyhow::Result<Self> {
        let running = Configuration::read(Some(&runtime_file::path(&configuration.data_dir())))?;
        let url = |name: &str| (name.to_owned(), running.service(name).reader_url);
        Ok(Self { urls: SERVICES.into_iter().map(url).collect(), own: None })
    }

    /// The databases, by service.
    pub(super) fn urls(&self) -> BTreeMap<String, String> {
        self.urls.clone()
    }

    pub(super) async fn close(self) -> anyhow::Result<()> {
        match self.own {
            Some(databases) => databases.close().await,
            None => Ok(()),
        }
    }
}

pub(super) fn is_in_use(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<PostgresError>(), Some(PostgresError::InUse { .. }))
}
