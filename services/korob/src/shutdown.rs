//! When to stop: Ctrl-C, SIGTERM, or the end of the supervising process. When to restart: SIGUSR2.

use tokio::io::AsyncReadExt;
use tokio::signal::unix::{SignalKind, signal};

/// Set for children of `up --processes`: their standard input closes when the supervisor is gone.
pub const SUPERVISED: &str = "KOROB_SUPERVISED";

/// Completes when the process is asked to stop.
pub async fn requested() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let supervised = std::env::var_os(SUPERVISED).is_some();
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = supervisor_gone(), if supervised => {}
    }
    Ok(())
}

/// Completes each time the process is asked to restart what it supervises.
pub async fn restart_requested() -> anyhow::Result<()> {
    signal(SignalKind::user_defined2())?.recv().await;
    Ok(())
}

async fn supervisor_gone() {
    let mut rest = [0; 64];
    let mut input = tokio::io::stdin();
    while matches!(input.read(&mut rest).await, Ok(read) if read > 0) {}
}
