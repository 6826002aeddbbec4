//! The files of the write-ahead log: made before anybody waits for one.
//!
//! A new file is filled with zeros and flushed before its first use, and whoever commits meanwhile waits: 70 ms for 16 MiB,
//! and a busy order desk fills more than one a second. What a checkpoint has done with is used again, as long as it is kept.
//! So the server keeps as many files as it fills between two checkpoints, and makes them when it starts for the first time.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use tokio_postgres::Config;

use crate::{Error, database};

/// One file, in MiB: `initdb` is not told otherwise.
const FILE_MIB: u64 = 16;
/// No more than one part in so many of what is free on the disk …
const PART: u64 = 16;
/// … not less than PostgreSQL keeps by itself …
const MIB_MIN: u64 = 80;
/// … and not more than some minutes of many orders fill, or recovery has to read.
const MIB_MAX: u64 = 1024;

/// `max_wal_size` that PostgreSQL has by itself.
const MOST_MIB_MIN: u64 = 1024;

/// How long a start makes files; the next one, or whoever needs them, makes the rest.
const PATIENCE: Duration = Duration::from_secs(5);

/// `min_wal_size`, in MiB: how much of the log is kept for use in `cluster`.
pub(crate) fn kept_mib(cluster: &Path) -> u64 {
    let disk = rustix::fs::statvfs(cluster).ok();
    let free_mib = disk.map(|disk| (disk.f_bavail * disk.f_frsize) >> 20);
    // What is there already was free once.
    share_mib(free_mib.map(|free| free + count(cluster) * FILE_MIB))
}

/// `max_wal_size`, in MiB: a checkpoint begins when half of it is filled, so what is kept can be made in one go.
pub(crate) fn most_mib(kept_mib: u64) -> u64 {
    (kept_mib * 2).max(MOST_MIB_MIN)
}

fn share_mib(free_mib: Option<u64>) -> u64 {
    free_mib.map_or(MIB_MIN, |mib| (mib / PART).clamp(MIB_MIN, MIB_MAX))
}

/// Makes what is missing of [`kept_mib`] in `cluster`: every file is begun, left, and given back by a checkpoint.
pub(crate) async fn make_ahead(cluster: &Path, admin: &Config) -> Result<(), Error> {
    let wanted = kept_mib(cluster) / FILE_MIB;
    let missing = wanted.saturating_sub(count(cluster));
    // A file at the end of the log comes and goes.
    if missing <= 1 {
        return Ok(());
    }
    tracing::info!(files = missing, mib = missing * FILE_MIB, "making files of PostgreSQL's log ahead");
    let begun = Instant::now();
    let client = database::connect(admin).await?;
    for _ in 0..missing {
        if begun.elapsed() > PATIENCE {
            break;
        }
        // A file in which nothing was written is not left. One statement each: both in one are one transaction, which
        // writes nothing until its end.
        client.batch_execute("SELECT pg_logical_emit_message(false, 'korob', '')").await?;
        client.batch_execute("SELECT pg_switch_wal()").await?;
    }
    client.batch_execute("CHECKPOINT").await?;
    Ok(())
}

/// Files of the log, those that wait for their use among them: 24 hexadecimal digits.
fn count(cluster: &Path) -> u64 {
    let entries = fs::read_dir(cluster.join("pg_wal")).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name.len() == 24 && name.bytes().all(|byte| byte.is_ascii_hexdigit())).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_what_is_free_within_bounds() {
        assert_eq!(share_mib(Some(100 << 10)), MIB_MAX);
        assert_eq!(share_mib(Some(8 << 10)), 512);
        assert_eq!(share_mib(Some(1 << 10)), MIB_MIN);
        assert_eq!(share_mib(None), MIB_MIN);
    }
}
