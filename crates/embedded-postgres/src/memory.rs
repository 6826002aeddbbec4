//! How much memory the server may keep pages in.

use std::fs;

/// One part in so many of the memory there is, as PostgreSQL's documentation advises …
const PART: u64 = 4;
/// … not less than PostgreSQL takes by itself …
const MIB_MIN: u64 = 128;
/// … and not so much that an order desk would never fill it.
const MIB_MAX: u64 = 512;

/// `shared_buffers`, in MiB.
pub(crate) fn shared_buffers_mib() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|info| total_mib(&info));
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|most| limit_mib(&most));
    share_mib(machine.into_iter().chain(container).min())
}

fn share_mib(memory_mib: Option<u64>) -> u64 {
    memory_mib.map_or(MIB_MIN, |mib| (mib / PART).clamp(MIB_MIN, MIB_MAX))
}

/// The machine's: `MemTotal:       24576000 kB`.
fn total_mib(meminfo: &str) -> Option<u64> {
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(total.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? / 1024)
}

/// The container's, in bytes; `max` for none.
fn limit_mib(memory_max: &str) -> Option<u64> {
    Some(memory_max.trim().parse::<u64>().ok()? / 1024 / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_memory_within_bounds() {
        let large = total_mib("MemFree:  100 kB\nMemTotal:       24576000 kB\n");
        let (small, none) = (limit_mib("1073741824\n"), limit_mib("max\n"));
        assert_eq!((large, small, none), (Some(24_000), Some(1024), None));
        assert_eq!(share_mib(large), MIB_MAX);
        assert_eq!(share_mib(small), 256);
        assert_eq!(share_mib(Some(256)), MIB_MIN);
        assert_eq!(share_mib(none), MIB_MIN);
    }
}
