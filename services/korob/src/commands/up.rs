//! `korob up`: the whole suite on this machine, until it is asked to stop.

use std::process::ExitCode;

use service::telemetry;

use crate::arguments::Up;
use crate::configuration::Configuration;
use crate::shutdown;
use crate::suite::{Mode, Suite};

/// Runs until Ctrl-C or SIGTERM, then drains.
pub async fn run(configuration: Configuration, up: Up) -> anyhow::Result<ExitCode> {
    let telemetry = telemetry::start("korob", &configuration.telemetry)?;
    let mode = if up.processes { Mode::Processes } else { Mode::OneProcess };
    let started = std::time::Instant::now();
    let data_dir = configuration.data_dir();
    let suite = tokio::select! {
        suite = Suite::start(configuration, mode, telemetry.instruments.clone()) => suite?,
        stop = shutdown::requested() => return stop.map(|()| ExitCode::SUCCESS),
    };
    println!("korob is ready after {:.1} s", started.elapsed().as_secs_f64());
    println!("  REST      http://{}        (/docs, /openapi.json)", suite.gateway);
    println!("  operators http://{}        (/livez /readyz /metrics /telemetry)", suite.ops);
    for (name, address) in &suite.services {
        println!("  gRPC      {address}  {name}");
    }
    println!("  data      {}", data_dir.display());
    println!("Make a key: korob keys create --name shop --data-dir {}", data_dir.display());
    println!("Ctrl-C stops it.");

    let code = tokio::select! {
        stop = shutdown::requested() => stop.map(|()| ExitCode::SUCCESS)?,
        () = suite.failed() => {
            tracing::error!("PostgreSQL has ended; the suite stops");
            ExitCode::FAILURE
        }
    };
    eprintln!("draining …");
    suite.stop().await?;
    Ok(code)
}
