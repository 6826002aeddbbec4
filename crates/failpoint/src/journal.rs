//! The folder that a test and the processes it starts share: the plan, what was reached, what has struck.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::plan::{Malformed, Plan};

/// A folder with the plan of running processes and their journal; they find it by [`crate::DIRECTORY_VARIABLE`].
#[derive(Debug, Clone)]
pub struct Directory {
    path: PathBuf,
}

/// Tells one version of the plan from another, in every process alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    inode: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Directory {
    /// The folder at `path`, which exists.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// From here on `plan` holds in every process that has this folder; what has struck before is forgotten.
    pub fn set(&self, plan: &str) -> Result<(), Malformed> {
        Plan::parse(plan)?;
        let unfinished = self.path.join("plan.new");
        let written = fs::write(&unfinished, plan).and_then(|()| fs::rename(&unfinished, self.plan_file()));
        written.map_err(|error| Malformed(error.to_string()))
    }

    /// What has struck since the plan was set, as `name[place]`, oldest first.
    pub fn fired(&self) -> Vec<String> {
        let Some(stamp) = self.stamp() else { return Vec::new() };
        let under_it = format!("{stamp} ");
        let lines = lines(&self.fired_file()).into_iter();
        lines.filter_map(|line| Some(line.strip_prefix(&under_it)?.split_once(' ')?.1.to_owned())).collect()
    }

    /// What any process has ever come past, as `name[place]`; a bug that was asked for while it was planted is there, too.
    pub fn reached(&self) -> Vec<String> {
        lines(&self.reached_file())
    }

    pub(crate) fn plan(&self) -> String {
        fs::read_to_string(self.plan_file()).unwrap_or_default()
    }

    pub(crate) fn stamp(&self) -> Option<Stamp> {
        let found = fs::metadata(self.plan_file()).ok()?;
        Some(Stamp { inode: found.ino(), seconds: found.mtime(), nanoseconds: found.mtime_nsec() })
    }

    /// How often a rule of the plan with this stamp has struck, in all processes.
    pub(crate) fn count_fired(&self, stamp: Option<Stamp>, rule: usize) -> usize {
        let Some(stamp) = stamp else { return 0 };
        let struck = format!("{stamp} {rule} ");
        lines(&self.fired_file()).iter().filter(|line| line.starts_with(&struck)).count()
    }

    pub(crate) fn note_fired(&self, stamp: Option<Stamp>, rule: usize, name: &str, place: &str) {
        if let Some(stamp) = stamp {
            append(&self.fired_file(), &format!("{stamp} {rule} {name}[{place}]\n"));
        }
    }

    pub(crate) fn note_reached(&self, seen: &str) {
        append(&self.reached_file(), &format!("{seen}\n"));
    }

    fn plan_file(&self) -> PathBuf {
        self.path.join("plan")
    }

    fn fired_file(&self) -> PathBuf {
        self.path.join("fired")
    }

    fn reached_file(&self) -> PathBuf {
        self.path.join("reached")
    }
}

impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}-{}", self.inode, self.seconds, self.nanoseconds)
    }
}

fn lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// One write: lines of several processes do not mix. The kernel keeps it though the process dies at once.
fn append(file: &Path, line: &str) {
    let opened = fs::File::options().create(true).append(true).open(file);
    // The folder goes away at the end of a test, while its processes still drain.
    let _ = opened.and_then(|mut file| file.write_all(line.as_bytes()));
}
