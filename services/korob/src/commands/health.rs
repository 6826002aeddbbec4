//! `korob health`: asks the process of this configuration how it is, where there is no shell to do so.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use crate::arguments::Health;
use crate::configuration::Configuration;
use crate::rest::Client;

/// Longer is as bad as no.
const PATIENCE: Duration = Duration::from_secs(5);

/// Exit status 0: ready, or alive when that was asked; an error says what was answered.
pub async fn run(configuration: Configuration, asked: Health) -> anyhow::Result<ExitCode> {
    let address = nearest(configuration.ops.listen);
    anyhow::ensure!(address.port() != 0, "ops.listen: its port is chosen by chance, so nobody can be asked");
    let url = format!("http://{address}/{}", if asked.live { "livez" } else { "readyz" });
    let client = Client::new();
    let answer = tokio::time::timeout(PATIENCE, client.get(&url));
    let answer = answer.await.ok().and_then(Result::ok).with_context(|| format!("{url} does not answer"))?;
    anyhow::ensure!(answer.status.is_success(), "{url} answers {}", answer.status);
    Ok(ExitCode::SUCCESS)
}

/// Who listens everywhere is asked over the loopback interface.
fn nearest(listen: SocketAddr) -> SocketAddr {
    let loopback = match listen.ip() {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    if listen.ip().is_unspecified() { SocketAddr::new(loopback, listen.port()) } else { listen }
}
