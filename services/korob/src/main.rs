//! Korob: every role of the suite in one binary.
//!
//! `korob up` runs all of it on one machine; `korob serve <role>` runs one role, as on Kubernetes.

mod arguments;
mod commands;
mod configuration;
mod demo;
mod load;
mod new_shop;
mod postgres;
mod processes;
mod rest;
mod roles;
mod runtime_file;
mod shutdown;
mod suite;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};
use crate::configuration::Configuration;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    keep_memory_small();
    let arguments = Arguments::parse();
    let failure = commands::failure(&arguments.command);
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            failure
        }
    }
}

/// Of the huge pages that a kernel may give, a suite at rest uses a third: twice the memory, and slower for it.
fn keep_memory_small() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        eprintln!("huge pages stay on, the process will need more memory: {error}");
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let configuration = Configuration::load(&arguments)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let code = runtime.block_on(async {
        match arguments.command {
            Command::Up(up) => commands::up::run(configuration, up).await,
            Command::Serve { role } => commands::serve::run(configuration, role).await,
            Command::Migrate => commands::migrate::run(configuration).await,
            Command::Keys(keys) => commands::keys::run(configuration, keys).await,
            Command::Import(import) => commands::import::run(configuration, import).await,
            Command::Demo(demo) => demo::run(configuration, demo).await,
            Command::Check(check) => commands::check::run(configuration, check).await,
            Command::Repair(repair) => commands::repair::run(configuration, repair).await,
            Command::Restored { service } => commands::restored::run(configuration, service).await,
            Command::Events(events) => commands::events::run(configuration, events).await,
            Command::Bench(bench) => commands::bench::run(configuration, bench).await,
            Command::Simulate(simulate) => commands::simulate::run(simulate).await,
            Command::Openapi => commands::openapi::run(),
            Command::CallGraph => commands::call_graph::run(),
            Command::Health(health) => commands::health::run(configuration, health).await,
        }
    });
    // Everything has drained; what still blocks is the read of a standard input that nobody closes.
    runtime.shutdown_background();
    code
}
