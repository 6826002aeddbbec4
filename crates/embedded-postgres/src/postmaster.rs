//! The running server process: started on a thread of its own, gone when its owner is gone.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::{fs::OpenOptionsExt, process::CommandExt},
    path::Path,
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, getpid, getppid, kill_process, set_parent_process_death_signal};
use tokio::sync::{oneshot, watch};

use crate::Error;

/// A log longer than this is set aside at the next start; one older log is kept.
const LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A drop waits this long; a server that needs more goes on stopping by itself and the next start waits.
const DROP_PATIENCE: Duration = Duration::from_secs(10);
const DROP_PAUSE: Duration = Duration::from_millis(5);

/// One PostgreSQL server process.
#[derive(Debug)]
pub(crate) struct Postmaster {
    pid: Pid,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Postmaster {
    /// Starts `command` with its output in `log`.
    pub async fn spawn(mut command: Command, log: &Path) -> Result<Self, Error> {
        let output = open_log(log).map_err(Error::io("open", log))?;
        let errors = output.try_clone().map_err(Error::io("open", log))?;
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        // Ctrl-C goes to the whole group of the terminal: the server must outlive the drain of its clients.
        command.process_group(0);
        end_with_parent(&mut command);

        let (started, start) = oneshot::channel();
        let (ended, exit) = watch::channel(None);
        thread::Builder::new()
            .name("postmaster".into())
            .spawn(move || supervise(command, started, ended))
            .map_err(Error::io("start a thread for", log))?;

        let spawned = start.await.unwrap_or_else(|_| Err(io::Error::other("the supervising thread ended")));
        let pid = spawned.map_err(Error::io("start PostgreSQL with the log", log))?;
        Ok(Self { pid, exit })
    }

    /// How the server ended, if it has.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }

    /// Waits for the end of the server.
    pub async fn exited(&self) -> ExitStatus {
        let mut exit = self.exit.clone();
        match exit.wait_for(Option::is_some).await {
            Ok(status) => status.unwrap_or_default(),
            // The supervising thread always reports before it ends.
            Err(_) => ExitStatus::default(),
        }
    }

    /// Asks for a fast shutdown: running statements are cancelled, everything committed is kept.
    pub fn request_stop(&self) {
        if self.exit_status().is_none() {
            // It may have ended by itself in between.
            let _ = kill_process(self.pid, Signal::INT);
        }
    }
}

impl Drop for Postmaster {
    #[expect(clippy::disallowed_methods, reason = "a drop cannot await, and the server must not outlive it")]
    fn drop(&mut self) {
        self.request_stop();
        let deadline = Instant::now() + DROP_PATIENCE;
        while self.exit_status().is_none() && Instant::now() < deadline {
            thread::sleep(DROP_PAUSE);
        }
    }
}

/// Lives as long as the server, because the death signal below fires when the thread that spawned it ends.
fn supervise(
    mut command: Command,
    started: oneshot::Sender<io::Result<Pid>>,
    ended: watch::Sender<Option<ExitStatus>>,
) {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            // Nobody waits any more only if the start was cancelled.
            let _ = started.send(Err(error));
            return;
        }
    };
    let pid = Pid::from_child(&child);
    if started.send(Ok(pid)).is_err() {
        let _ = kill_process(pid, Signal::INT);
    }
    let status = child.wait().unwrap_or_default();
    ended.send_replace(Some(status));
}

/// A kill -9 of this process stops the server too: fast, with everything committed kept.
#[allow(unsafe_code, reason = "pre_exec is the only place where a child can ask for its death signal")]
fn end_with_parent(command: &mut Command) {
    let parent = getpid();
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; these are plain system calls
    // that neither allocate nor lock. The hook runs after the change of user, which would clear the signal.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::INT))?;
            if getppid() == Some(parent) { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
        });
    }
}

fn open_log(log: &Path) -> io::Result<File> {
    if fs::metadata(log).is_ok_and(|metadata| metadata.len() > LOG_BYTES_MAX) {
        fs::rename(log, log.with_extension("log.1"))?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(log)
}
