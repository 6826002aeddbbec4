//! What the process itself takes, under the names that Prometheus' own libraries use.

use types::Clock;

/// Clock ticks of the kernel in a second; Linux tells user space this whatever its own clock does.
const TICKS_PER_SECOND: f64 = 100.0;

/// Notes who runs and since when. Call once, at the start.
pub(crate) fn note_start(role: &str, clock: &Clock) {
    let labels = [("version", env!("CARGO_PKG_VERSION").to_owned()), ("role", role.to_owned())];
    metrics::gauge!("korob_build_info", &labels).set(1.0);
    metrics::gauge!("process_start_time_seconds").set(clock.now().timestamp_millis() as f64 / 1e3);
    note();
}

/// Notes what is taken now; what the system does not tell keeps its last value.
pub(crate) fn note() {
    if let Some(kilobytes) = field("/proc/self/status", "VmRSS:") {
        metrics::gauge!("process_resident_memory_bytes").set(kilobytes * 1024.0);
    }
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name, in brackets, may have spaces.
    let after_name: Vec<&str> =
        stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let number = |at: usize| after_name.get(at).and_then(|text| text.parse::<f64>().ok());
    if let (Some(user), Some(system), Some(threads)) = (number(11), number(12), number(17)) {
        // Whole seconds: counters are whole numbers here.
        metrics::counter!("process_cpu_seconds_total").absolute(((user + system) / TICKS_PER_SECOND) as u64);
        metrics::gauge!("process_threads").set(threads);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        metrics::gauge!("process_open_fds").set(open.count() as f64);
    }
    if let Some(files_max) = field("/proc/self/limits", "Max open files") {
        metrics::gauge!("process_max_fds").set(files_max);
    }
}

/// The first number of the line that begins with `name`.
fn field(file: &str, name: &str) -> Option<f64> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}
