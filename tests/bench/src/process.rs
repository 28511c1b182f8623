//! What the system knows of a process.

use std::fs::read_to_string;

use rustix::param::clock_ticks_per_second;
use rustix::thread::{CpuSet, sched_setaffinity};

/// Binds this thread to a core.
pub(crate) fn pin(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).unwrap();
}

/// A process and its children.
fn family(pid: u32) -> Vec<u32> {
    let children = read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok());
    std::iter::once(pid).chain(children).collect()
}

/// CPU time of a process and its children, in seconds.
pub(crate) fn cpu(pid: u32) -> f64 {
    let of = |pid: u32| {
        let stat = read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name, in brackets, may hold anything.
        let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
        let times = fields.split(' ').skip(11).take(2);
        times
            .filter_map(|ticks| ticks.parse::<u64>().ok())
            .sum::<u64>()
    };
    let ticks: u64 = family(pid).into_iter().map(of).sum();
    ticks as f64 / clock_ticks_per_second() as f64
}

/// Memory of a process and its children that is in use, in MiB.
pub(crate) fn rss(pid: u32) -> f64 {
    let of = |pid: u32| {
        let status = read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
        kib.unwrap_or(0)
    };
    family(pid).into_iter().map(of).sum::<u64>() as f64 / 1024.0
}

/// Processor, cores, kernel, and how busy the machine is.
pub(crate) fn machine() -> serde_json::Value {
    let cpuinfo = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let kernel = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    serde_json::json!({
        "cpu": model.unwrap_or_default().trim_start_matches([' ', '\t', ':']),
        "cores": cores(),
        "kernel": kernel.trim(),
        "load_average": load_average(),
    })
}

pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

pub(crate) fn load_average() -> String {
    let average = read_to_string("/proc/loadavg").unwrap_or_default();
    average.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
