//! `korob up`: the whole suite on this machine, until it is asked to stop.

use std::process::ExitCode;

use service::telemetry;

use crate::arguments::Up;
use crate::configuration::Configuration;
use crate::shutdown;
use crate::suite::{Mode, Suite};

/// Runs until Ctrl-C or SIGTERM, then drains.
pub async fn run(mut configuration: Configuration, up: Up) -> anyhow::Result<ExitCode> {
    if let Some(replicas) = up.replicas {
        configuration.replicas = replicas;
    }
    let replicas = configuration.replicas.count();
    anyhow::ensure!(up.processes || replicas == 1, "replicas: {replicas} need `up --processes`");
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
    for (name, address) in
        suite.services.iter().flat_map(|(name, all)| all.iter().map(move |one| (name, one)))
    {
        println!("  gRPC      {address}  {name}");
    }
    println!("  data      {}", data_dir.display());
    println!("Make a key: korob keys create --name shop --data-dir {}", data_dir.display());
    println!("Ctrl-C stops it.");

    let code = tokio::select! {
        stop = shutdown::requested() => stop.map(|()| ExitCode::SUCCESS)?,
        never = restarts(&suite), if up.processes => never.map(|()| ExitCode::FAILURE)?,
        () = suite.failed() => {
            tracing::error!("PostgreSQL has ended; the suite stops");
            ExitCode::FAILURE
        }
    };
    eprintln!("draining …");
    suite.stop().await?;
    Ok(code)
}

/// Restarts everything whenever that is asked; ends only with an error.
async fn restarts(suite: &Suite) -> anyhow::Result<()> {
    loop {
        shutdown::restart_requested().await?;
        tracing::info!("every process is restarted, one at a time");
        match suite.restart_all().await {
            Ok(()) => tracing::info!("every process was restarted"),
            // What is up stays up, and whoever asked may ask again.
            Err(error) => tracing::error!(error = format!("{error:#}"), "the restart stopped half-way"),
        }
    }
}
