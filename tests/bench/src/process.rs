//! A process as `/proc` shows it.

use std::{collections::HashSet, fs};

use anyhow::{Context, Result};
use control_plane::ControlPlane;

/// Kernel ticks in a second: fixed for user space on Linux (`proc_pid_stat(5)`, `sysconf(3)`).
const TICKS: f64 = 100.0;
const ESTABLISHED: &str = "01";

#[derive(Clone, Copy)]
pub struct Process(pub u32);

impl Process {
    /// Seconds of CPU used so far, in user space and kernel.
    pub fn cpu_seconds(self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        // The name in parentheses may hold anything.
        let fields: Vec<_> = stat.rsplit_once(')').context("no name")?.1.split_whitespace().collect();
        let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<f64>().ok()).context("no number");
        Ok((ticks(11)? + ticks(12)?) / TICKS)
    }

    /// Memory that is resident, in MiB.
    pub fn rss(self) -> Result<f64> {
        self.status("VmRSS:")
    }

    /// The most that ever was.
    pub fn peak_rss(self) -> Result<f64> {
        self.status("VmHWM:")
    }

    fn status(self, field: &str) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)).context("no such field")?;
        let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib / 1024.0)
    }

    /// Its connections to a port of IPv4 loopback.
    pub fn connections(self, port: u16) -> Result<usize> {
        let sockets: HashSet<String> = fs::read_dir(format!("/proc/{}/fd", self.0))?
            .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok()?.to_str().map(str::to_owned))
            .filter_map(|link| Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
            .collect();
        let table = fs::read_to_string(format!("/proc/{}/net/tcp", self.0))?;
        let to = format!(":{port:04X}");
        let ours = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).filter(|fields| {
            fields.len() > 9 && fields[2].ends_with(&to) && fields[3] == ESTABLISHED && sockets.contains(fields[9])
        });
        Ok(ours.count())
    }
}

/// The API server and etcd.
pub struct Servers([Process; 2]);

impl Servers {
    pub fn of(plane: &ControlPlane) -> Result<Self> {
        let process = |name: &str| -> Result<Process> {
            Ok(Process(fs::read_to_string(plane.dir().join(format!("{name}.pid")))?.trim().parse()?))
        };
        Ok(Self([process("kube-apiserver")?, process("etcd")?]))
    }

    /// Of both together.
    pub fn cpu_seconds(&self) -> Result<f64> {
        self.0.iter().map(|process| process.cpu_seconds()).sum()
    }
}
