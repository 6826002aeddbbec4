//! When to stop: Ctrl-C, SIGTERM, or the end of the supervising process.

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

async fn supervisor_gone() {
    let mut rest = [0; 64];
    let mut input = tokio::io::stdin();
    while matches!(input.read(&mut rest).await, Ok(read) if read > 0) {}
}
