//! What the machine is and what it spent: CPU time and memory of processes and their descendants, from /proc.

use std::collections::BTreeMap;
use std::fs;

use serde::Serialize;

/// Ticks of /proc/*/stat; fixed in the kernel's interface to programs.
const TICKS_PER_SECOND: f64 = 100.0;

/// What a run was measured on.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// How many of its cores there are for us.
    pub cores: usize,
    /// Bytes.
    pub memory: u64,
    /// The kernel's release.
    pub kernel: String,
}

impl Machine {
    /// The one this process runs on.
    pub fn here() -> Self {
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cpu: model.trim_start_matches([' ', '\t', ':']).to_owned(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory: kib(&memory, "MemTotal:") * 1024,
            kernel: kernel.trim().to_owned(),
        }
    }
}

/// CPU time in seconds, user and system, of the process `root` and everything below it, also of what has ended.
pub fn cpu_seconds(root: u32) -> f64 {
    let processes = all();
    let ticks: u64 =
        tree(&processes, root).iter().filter_map(|pid| processes.get(pid)).map(|process| process.ticks).sum();
    ticks as f64 / TICKS_PER_SECOND
}

/// CPU time in seconds that this process has spent, without what it started.
pub fn own_cpu_seconds() -> f64 {
    process(std::process::id()).map_or(0.0, |process| process.own_ticks as f64 / TICKS_PER_SECOND)
}

/// Bytes in memory now: of the process `root` and everything below it.
pub fn resident_bytes(root: u32) -> u64 {
    sum_of(root, "VmRSS:")
}

/// The most bytes that they had in memory, each at its own worst moment, since [`forget_peak`].
pub fn peak_bytes(root: u32) -> u64 {
    sum_of(root, "VmHWM:")
}

/// The process `root` and everything below it.
pub fn with_descendants(root: u32) -> Vec<u32> {
    tree(&all(), root)
}

/// Lets the peak begin anew.
pub fn forget_peak(root: u32) {
    for pid in with_descendants(root) {
        // Absent by now, or a kernel that cannot: the peak is that since its start then, which is more.
        let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
    }
}

/// The direct child of `parent` whose name is `name`.
pub fn child_named(parent: u32, name: &str) -> Option<u32> {
    all()
        .into_iter()
        .find(|(_, process)| process.parent == parent && process.name == name)
        .map(|(pid, _)| pid)
}

struct Process {
    name: String,
    parent: u32,
    /// Its own, and those of its children that have ended.
    ticks: u64,
    own_ticks: u64,
}

fn sum_of(root: u32, field: &str) -> u64 {
    let status = |pid: &u32| fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    with_descendants(root).iter().map(|pid| kib(&status(pid), field) * 1024).sum()
}

/// The number of KiB that a line such as `VmRSS:   1024 kB` tells; 0 without one.
fn kib(text: &str, field: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

fn tree(processes: &BTreeMap<u32, Process>, root: u32) -> Vec<u32> {
    let mut tree = vec![root];
    let mut at = 0;
    while at < tree.len() {
        let parent = tree[at];
        tree.extend(processes.iter().filter(|(_, process)| process.parent == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    tree
}

fn all() -> BTreeMap<u32, Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return BTreeMap::new() };
    entries
        .filter_map(|entry| {
            let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            Some((pid, process(pid)?))
        })
        .collect()
}

fn process(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (head, tail) = stat.rsplit_once(") ")?;
    let name = head.split_once(" (")?.1.to_owned();
    let fields: Vec<&str> = tail.split(' ').collect();
    let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
    // Counted from the state, which is field 3 of proc(5): utime, stime, cutime, cstime are 14 to 17.
    let sum = |fields: std::ops::RangeInclusive<usize>| fields.filter_map(number).sum();
    Some(Process {
        name,
        parent: u32::try_from(number(1)?).ok()?,
        ticks: sum(11..=14),
        own_ticks: sum(11..=12),
    })
}
