//! `korob simulate`: payment providers, carriers and the cash register in miniature, to try everything without anybody's account.

use std::process::ExitCode;

use anyhow::Context;
use simulators::{Simulators, System};

use crate::arguments::Simulate;
use crate::shutdown;

/// Runs until Ctrl-C or SIGTERM.
pub async fn run(simulate: Simulate) -> anyhow::Result<ExitCode> {
    let simulators = Simulators::listen(simulate.listen).await?;
    simulators.all_faults().reseed(simulate.seed);
    for carrier in [System::Parcel, System::NovaPoshta, System::Cdek] {
        simulators.all_faults().change(carrier, |plan| plan.travel_ms = simulate.travel_ms)?;
    }
    for fault in &simulate.faults {
        simulators.all_faults().apply_text(fault)?;
    }
    for webhooks in &simulate.webhooks {
        let (system, url, secret) = receiver(webhooks)?;
        simulators.webhooks_to(system, url, secret);
    }
    println!("Simulators listen on {}. Control: {}/control", simulators.address(), simulators.root());
    for system in System::ALL {
        println!("  {:<12} {}", system.name(), simulators.url(system));
    }
    println!("A suite calls them if it was started with this, or the same in its configuration:");
    println!("  KOROB__OUTBOUND__ALLOWED_NETWORKS={} korob up", simulate.listen.ip());

    shutdown::requested().await?;
    simulators.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Reads `<system>=<url>` or `<system>=<url>,<secret>`.
fn receiver(text: &str) -> anyhow::Result<(System, &str, &str)> {
    let (system, rest) = text
        .split_once('=')
        .with_context(|| format!("--webhooks {text}: write <system>=<url>[,<secret>]"))?;
    let (url, secret) = rest.split_once(',').unwrap_or((rest, ""));
    let system: System = system.parse()?;
    anyhow::ensure!(system.tells(), "--webhooks {text}: {system} sends no webhooks");
    anyhow::ensure!(url.starts_with("http://"), "--webhooks {text}: only http:// is spoken here");
    Ok((system, url, secret))
}
