//! What the machine spent: CPU time and memory of processes and their descendants, from /proc.

use std::collections::BTreeMap;
use std::fs;

/// Ticks of /proc/*/stat; fixed in the kernel's interface to programs.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU and memory of a tree of processes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spent {
    /// User and system time, also of children that have ended.
    pub cpu_seconds: f64,
    /// Resident memory now.
    pub resident_mib: f64,
}

impl Spent {
    /// What was spent since `earlier`, in microseconds for each of `count` things.
    pub fn cpu_us_each(self, earlier: Self, count: u64) -> f64 {
        (self.cpu_seconds - earlier.cpu_seconds) * 1e6 / count.max(1) as f64
    }
}

/// Looks at the process `root` and everything below it.
pub fn spent(root: u32) -> Spent {
    let processes = all();
    let mut tree = vec![root];
    let mut at = 0;
    while at < tree.len() {
        let parent = tree[at];
        tree.extend(processes.iter().filter(|(_, process)| process.parent == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    tree.iter().filter_map(|pid| processes.get(pid)).fold(Spent::default(), |sum, process| Spent {
        cpu_seconds: sum.cpu_seconds + process.ticks as f64 / TICKS_PER_SECOND,
        resident_mib: sum.resident_mib + process.resident_kib as f64 / 1024.0,
    })
}

/// The direct child of `parent` whose name is `name`.
pub fn child_named(parent: u32, name: &str) -> Option<u32> {
    all()
        .into_iter()
        .find(|(_, process)| process.parent == parent && process.name == name)
        .map(|(pid, _)| pid)
}

/// One line about the machine.
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    format!("{cores} cores, {}", model.trim_start_matches([' ', '\t', ':']))
}

struct Process {
    name: String,
    parent: u32,
    ticks: u64,
    resident_kib: u64,
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
    let ticks = (11..=14).filter_map(number).sum();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    let resident_kib = resident.trim().trim_end_matches(" kB").parse().unwrap_or(0);
    Some(Process { name, parent: u32::try_from(number(1)?).ok()?, ticks, resident_kib })
}
