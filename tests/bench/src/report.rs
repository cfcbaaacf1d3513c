//! The figures: as a table for people, as flat JSON for programs.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path};

use anyhow::Result;
use serde_json::{Value, json};

#[derive(Default)]
pub struct Report(BTreeMap<usize, Figures>);

/// What one size has shown.
pub struct Figures {
    pub certificates_per_second: f64,
    /// Of a plain client that creates Secrets.
    pub secrets_per_second: f64,
    /// Certificates a second of a plain client that writes the same objects.
    pub same_mix: f64,
    /// Connections to the API server, most at a time.
    pub connections: usize,
    /// A certificate, by verb and resource.
    pub writes: BTreeMap<(String, String), f64>,
    /// A certificate.
    pub calls: f64,
    /// A certificate.
    pub cpu_seconds: f64,
    /// CPU seconds of API server and etcd, a certificate: under the operator, and under the plain client's mix.
    pub control_plane: f64,
    pub same_mix_control_plane: f64,
    /// MiB.
    pub peak_rss: f64,
    pub resting_rss: f64,
    /// Seconds from the start of the process to its first decision.
    pub restart: f64,
    pub writes_per_minute_at_rest: f64,
    pub limited: Option<Limited>,
}

pub struct Limited {
    /// Calls made, of those that the sustained limit allows.
    pub share: f64,
    /// Calls the CA refused.
    pub refused: f64,
}

/// One figure, where it was measured.
type Read<'a> = &'a dyn Fn(&Figures) -> Option<f64>;

impl Figures {
    fn writes_per_certificate(&self) -> f64 {
        self.writes.values().sum()
    }
}

impl Report {
    pub fn add(&mut self, size: usize, figures: Figures) {
        self.0.insert(size, figures);
    }

    /// Replaced whole after each size.
    pub fn write(&self, path: &Path) -> Result<()> {
        let report: BTreeMap<String, Value> =
            self.0.iter().map(|(size, figures)| (size.to_string(), json(figures))).collect();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(path, serde_json::to_string_pretty(&report)? + "\n")?)
    }

    pub fn table(&self) -> String {
        let limited = |read: fn(&Limited) -> f64| move |f: &Figures| f.limited.as_ref().map(read);
        let rows: [(&str, Read, usize); 18] = [
            ("certificates Ready per second", &|f| Some(f.certificates_per_second), 1),
            ("Secret creations per second, plain client", &|f| Some(f.secrets_per_second), 0),
            ("same mix by a plain client, per second", &|f| Some(f.same_mix), 1),
            ("  ratio to the same mix", &|f| Some(f.certificates_per_second / f.same_mix), 2),
            ("  ratio to Secret creations", &|f| Some(f.certificates_per_second / f.secrets_per_second), 3),
            ("connections to the API server", &|f| Some(f.connections as f64), 0),
            ("API writes per certificate", &|f| Some(f.writes_per_certificate()), 2),
            ("CA calls per certificate", &|f| Some(f.calls), 2),
            ("CPU milliseconds per certificate", &|f| Some(f.cpu_seconds * 1000.0), 2),
            ("  of the API server and etcd", &|f| Some(f.control_plane * 1000.0), 1),
            ("  of these under the plain client's mix", &|f| Some(f.same_mix_control_plane * 1000.0), 1),
            ("peak memory, MiB", &|f| Some(f.peak_rss), 1),
            ("resting memory, MiB", &|f| Some(f.resting_rss), 1),
            ("restart to first decision, seconds", &|f| Some(f.restart), 2),
            ("writes per minute at rest, Lease aside", &|f| Some(f.writes_per_minute_at_rest), 1),
            ("share of the CA's rate limit used", &limited(|limited| limited.share), 3),
            ("calls refused by the rate limit", &limited(|limited| limited.refused), 0),
            ("API writes by verb and resource", &|_| None, 0),
        ];
        let mut table = String::new();
        let mut line = |name: &str, cells: Vec<String>| {
            let _ = write!(table, "{name:<44}");
            let _ = cells.iter().try_for_each(|cell| write!(table, "{cell:>10}"));
            table.push('\n');
        };
        line("certificates", self.0.keys().map(ToString::to_string).collect());
        for (name, read, digits) in rows {
            let cell = |figures: &Figures| read(figures).map_or(String::new(), |value| format!("{value:.digits$}"));
            line(name, self.0.values().map(cell).collect());
        }
        let kinds: std::collections::BTreeSet<_> = self.0.values().flat_map(|figures| figures.writes.keys()).collect();
        for kind in kinds {
            let cell = |figures: &Figures| format!("{:.2}", figures.writes.get(kind).copied().unwrap_or_default());
            line(&format!("  {} {}", kind.0, kind.1), self.0.values().map(cell).collect());
        }
        table
    }
}

fn json(figures: &Figures) -> Value {
    let mut flat = json!({
        "certificatesPerSecond": figures.certificates_per_second,
        "apiServerWritesPerSecond": figures.secrets_per_second,
        "sameMixCertificatesPerSecond": figures.same_mix,
        "apiWritesPerCertificate": figures.writes_per_certificate(),
        "caCallsPerCertificate": figures.calls,
        "cpuSecondsPerCertificate": figures.cpu_seconds,
        "controlPlaneCpuSecondsPerCertificate": figures.control_plane,
        "sameMixControlPlaneCpuSecondsPerCertificate": figures.same_mix_control_plane,
        "peakRssMiB": figures.peak_rss,
        "restingRssMiB": figures.resting_rss,
        "restartSeconds": figures.restart,
        "writesPerMinuteAtRest": figures.writes_per_minute_at_rest,
    });
    if let Some(limited) = &figures.limited {
        flat["rateLimitedShareOfAllowed"] = json!(limited.share);
        flat["rateLimitedRefusals"] = json!(limited.refused);
    }
    flat
}
