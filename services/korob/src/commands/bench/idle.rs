//! What the suite has in memory while nobody asks for anything, without PostgreSQL.

use std::time::Duration;

use super::bed::Bed;
use super::machine;
use super::report::Row;

/// How long nobody asks.
const IDLE: Duration = Duration::from_secs(10);

/// After a fresh start, and some time later.
pub async fn run(bed: &mut Bed) -> anyhow::Result<Vec<Row>> {
    bed.suite.stop().await?;
    bed.suite.start_again().await?;
    let process = bed.suite.process_id();
    let started = machine::resident_bytes(process);
    tokio::time::sleep(bed.at_most(IDLE)).await;
    let idle = machine::resident_bytes(process);
    let mut row = Row::named("idle", bed.suite.mode());
    row.peak_memory_bytes = Some(machine::peak_bytes(process));
    Ok(vec![row.with("started_memory_bytes", started).with("idle_memory_bytes", idle)])
}
