//! `korob demo`: a private suite, two shops with common goods, a day of orders with all that goes wrong, and the account.

mod cards;
mod day;
mod outside;
mod parcels;
mod partner;
mod proof;
mod returns;
mod shop;
mod shortage;
mod summary;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use service::telemetry;

use crate::arguments::Demo;
use crate::configuration::Configuration;
use crate::demo::outside::Outside;
use crate::shutdown;
use crate::suite::{Mode, Suite};

/// Marks a directory that the demonstration made and may delete.
const MARKER: &str = "korob-demo";

/// Runs the demonstration; with `--exit` the status tells whether anything was lost, doubled or oversold.
pub async fn run(mut configuration: Configuration, demo: Demo) -> anyhow::Result<ExitCode> {
    let telemetry = telemetry::start("korob", &configuration.telemetry)?;
    let data_dir =
        fresh_directory(configuration.data_dir.clone().unwrap_or_else(|| beside(&configuration.data_dir())))?;
    configuration.data_dir = Some(data_dir.clone());
    configuration.gateway.listen = listen_at(demo.port);
    configuration.ops.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    configuration.outbound = outbound::Reach::with(&[outside::NETWORK]);
    let mode = if demo.processes { Mode::Processes } else { Mode::OneProcess };

    println!("Starting a private suite in {} …", data_dir.display());
    let suite = Suite::start(configuration, mode, telemetry.instruments.clone()).await?;
    println!("Its figures are at http://{}/metrics.", suite.ops);
    // They stay as long as the suite does.
    let outside = Outside::start().await;
    let told = tokio::select! {
        told = tell(&suite, &demo, &outside) => told,
        stop = shutdown::requested() => stop.and_then(|()| anyhow::bail!("interrupted")),
    };
    let flawless = match told {
        Ok(flawless) => flawless,
        Err(error) => {
            suite.stop().await?;
            return Err(error);
        }
    };
    if !demo.exit {
        println!("\nThe suite stays up; Ctrl-C stops it.");
        shutdown::requested().await?;
        eprintln!("draining …");
    }
    suite.stop().await?;
    Ok(if flawless { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The whole story; true when nothing was lost, doubled, oversold or charged twice.
async fn tell(suite: &Suite, demo: &Demo, outside: &Outside) -> anyhow::Result<bool> {
    let (shops, goods) = shop::open(suite, outside).await?;
    let listening = partner::listen(&shops[0], &outside.partner).await?;

    let mut day = day::replay(&shops, &goods, demo).await?;
    day.cards = cards::pay(&shops, &day).await?;
    day.shortage = shortage::cover(&shops[0], &goods).await?;
    day.delivered = day::deliver_by_courier(&shops, &day).await?;
    day.parcels = parcels::send(&shops, outside, &day.leaving(true)).await?;
    day.delivered.extend(day.parcels.delivered.clone());
    day.returns = returns::take_back(&shops, &goods.warehouse_id, &day).await?;

    let mut proof = proof::collect(&shops, &goods, &day, outside).await?;
    proof.partner = partner::compare(&shops[0], &outside.partner, &listening).await?;
    summary::print(&shops, &day, &proof);
    summary::print_next_steps(suite, &shops[0], &goods, &day);
    Ok(proof.is_flawless())
}

fn listen_at(port: u16) -> SocketAddr {
    let wanted = SocketAddr::from(([127, 0, 0, 1], port));
    // A port in use must not spoil the demonstration.
    match std::net::TcpListener::bind(wanted) {
        Ok(_free) => wanted,
        Err(_taken) => SocketAddr::from(([127, 0, 0, 1], 0)),
    }
}

fn beside(data_dir: &Path) -> PathBuf {
    data_dir.with_file_name(MARKER)
}

/// An empty directory; one that an earlier demonstration left is emptied, any other is refused.
fn fresh_directory(path: PathBuf) -> anyhow::Result<PathBuf> {
    let marker = path.join(MARKER);
    let is_used = path.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    if is_used {
        anyhow::ensure!(
            marker.exists(),
            "{} is not empty and not the demonstration's: name another --data-dir",
            path.display()
        );
        std::fs::remove_dir_all(&path).with_context(|| format!("empty {}", path.display()))?;
    }
    std::fs::create_dir_all(&path).with_context(|| format!("create {}", path.display()))?;
    std::fs::write(marker, "made by korob demo, deleted by the next one\n")?;
    Ok(path)
}
