//! What this process has used so far, as Linux tells it.

use std::fs;
use std::time::{Duration, Instant};

/// Linux counts processor time in hundredths of a second, on every machine that the hub runs on.
const TICK: Duration = Duration::from_millis(10);

/// Processor time of all threads, user and system.
fn processor() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is a name that may hold spaces; user and system time are the 12th and 13th after it.
    let rest = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u32 = rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
    TICK * ticks
}

/// The most memory that this process ever held, in MiB.
pub fn peak_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: f64 = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0.0);
    kib / 1024.0
}

/// A stopwatch for wall and processor time.
pub struct Watch {
    began: Instant,
    processor: Duration,
}

impl Watch {
    /// Starts.
    pub fn start() -> Self {
        Self { began: Instant::now(), processor: processor() }
    }

    /// Seconds on the wall, and of the processor.
    pub fn seconds(&self) -> (f64, f64) {
        (self.began.elapsed().as_secs_f64(), (processor() - self.processor).as_secs_f64())
    }
}
