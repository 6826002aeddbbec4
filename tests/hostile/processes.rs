//! What a process takes of its machine, read from `/proc`.

use std::collections::BTreeSet;

/// Open file descriptors.
pub fn descriptors(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

/// What it holds over TCP: its own port and that of the other side.
pub fn connections(pid: u32) -> Vec<(u16, u16)> {
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    // One may be closed while they are listed.
    let targets = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    let held: BTreeSet<String> = targets.map(|target| target.display().to_string()).collect();
    let table = std::fs::read_to_string(format!("/proc/{pid}/net/tcp")).unwrap();
    let of_process = table.lines().skip(1).filter_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (own, other, socket) = (columns[1], columns[2], format!("socket:[{}]", columns[9]));
        held.contains(&socket).then(|| (port(own), port(other)))
    });
    of_process.collect()
}

/// Memory that it has written to, in MiB. Pages of its binary come and go as the kernel likes, and are not counted.
pub fn memory_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// `0100007F:1F90` is port 8080.
fn port(address: &str) -> u16 {
    u16::from_str_radix(address.rsplit_once(':').unwrap().1, 16).unwrap()
}
