//! How much memory there is to be had.

use std::{fs, path::Path};

/// How many bytes can still be allocated before the kernel starts to kill: what is available, in
/// the computer and in each control group around this process. `None` where that isn't known.
pub(crate) fn available() -> Option<u64> {
    let of_computer = meminfo("MemAvailable:")? + meminfo("SwapFree:").unwrap_or(0);
    Some(of_control_groups().into_iter().fold(of_computer, u64::min))
}

fn meminfo(field: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// What is left in each control group (version 2) that has a limit.
fn of_control_groups() -> Vec<u64> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let Some(path) = own.lines().find_map(|line| line.strip_prefix("0::/")) else {
        return Vec::new();
    };
    let root = Path::new("/sys/fs/cgroup");
    root.join(path)
        .ancestors()
        .take_while(|group| group.starts_with(root))
        .filter_map(left)
        .collect()
}

fn left(group: &Path) -> Option<u64> {
    let number = |file: &str| fs::read_to_string(group.join(file)).ok()?.trim().parse::<u64>().ok();
    // Pages of files that were only read are given back under pressure.
    let reclaimable = fs::read_to_string(group.join("memory.stat"))
        .ok()
        .and_then(|stat| {
            stat.lines().find_map(|line| line.strip_prefix("inactive_file ")?.parse().ok())
        })
        .unwrap_or(0);
    Some(number("memory.max")?.saturating_sub(number("memory.current")?) + reclaimable)
}
