//! What a crash leaves behind: a server that still shuts down, orphaned backends, a stale pid file.

use std::{
    fs, io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::Error;

/// A fast shutdown writes a checkpoint, which takes its time on a slow disk.
const LEFTOVERS_PATIENCE: Duration = Duration::from_secs(60);
const LEFTOVERS_PAUSE: Duration = Duration::from_millis(50);

/// Waits until no process of an earlier server works in `cluster`, and removes a pid file that would mislead.
///
/// The caller holds the lock of the data directory: whoever started these processes is gone.
pub(crate) fn clear(cluster: &Path) -> Result<(), Error> {
    end_processes(cluster)?;

    // PostgreSQL itself deals with the pid file of a dead process, but refuses to start when the number has
    // meanwhile been given to another process of the same user.
    let pid_file = cluster.join("postmaster.pid");
    let Some(pid) = recorded_pid(&pid_file) else { return Ok(()) };
    if Path::new("/proc").join(pid.to_string()).exists() {
        tracing::warn!(pid, "removing a stale postmaster.pid: its number belongs to another process now");
        fs::remove_file(&pid_file).map_err(Error::io("remove", &pid_file))?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "runs on a thread for blocking work")]
fn end_processes(cluster: &Path) -> Result<(), Error> {
    let deadline = Instant::now() + LEFTOVERS_PATIENCE;
    let mut asked = false;
    loop {
        let pids = processes_in(cluster);
        if pids.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(Error::LeftoversRemain { data_dir: cluster.to_owned(), pids });
        }
        if !asked {
            asked = true;
            tracing::info!(?pids, "waiting for an earlier PostgreSQL to end");
            ask_to_stop(cluster, &pids);
        }
        thread::sleep(LEFTOVERS_PAUSE);
    }
}

/// The postmaster got its signal when its owner died; asking again costs nothing and covers one that did not.
fn ask_to_stop(cluster: &Path, pids: &[i32]) {
    let postmaster = recorded_pid(&cluster.join("postmaster.pid")).filter(|pid| pids.contains(pid));
    if let Some(pid) = postmaster.and_then(Pid::from_raw) {
        // It may end at any moment by itself.
        let _ = kill_process(pid, Signal::INT);
    }
}

/// Every PostgreSQL process works in its cluster's directory, the postmaster and its backends alike.
fn processes_in(cluster: &Path) -> Vec<i32> {
    let Ok(cluster) = fs::canonicalize(cluster) else { return Vec::new() };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter(|process| is_server_in(&process.path(), &cluster).unwrap_or(false))
        .filter_map(|process| process.file_name().to_str()?.parse().ok())
        .collect()
}

fn is_server_in(process: &Path, cluster: &Path) -> io::Result<bool> {
    Ok(fs::read_link(process.join("cwd"))? == cluster
        && fs::read_to_string(process.join("comm"))?.starts_with("postgres"))
}

fn recorded_pid(pid_file: &Path) -> Option<i32> {
    fs::read_to_string(pid_file).ok()?.lines().next()?.trim().parse().ok()
}
