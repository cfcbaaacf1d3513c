//! Log lines: JSON or for people, at a level that can change while the process runs.

use std::io::{self, IsTerminal};

use tracing::Level;
use tracing_subscriber::{
    Layer, Registry, filter::Targets, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One object a line
    Json,
    /// For people
    Human,
}

/// Starts logging to standard error, once in a process.
///
/// # Errors
/// When something else in this process logs already.
pub fn init(format: LogFormat, level: Level) -> anyhow::Result<LogLevel> {
    let (filter, log_level) = reloadable(level);
    let lines = match format {
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(io::stderr).boxed(),
        LogFormat::Human => fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).boxed(),
    };
    tracing_subscriber::registry().with(filter).with(lines).try_init()?;
    Ok(log_level)
}

/// Changes how much is logged.
#[derive(Debug, Clone)]
pub struct LogLevel(reload::Handle<Targets, Registry>);

impl LogLevel {
    /// # Errors
    /// When logging has ended.
    pub fn set(&self, level: Level) -> Result<(), reload::Error> {
        self.0.reload(targets(level))
    }
}

pub(super) fn reloadable(level: Level) -> (reload::Layer<Targets, Registry>, LogLevel) {
    let (filter, handle) = reload::Layer::new(targets(level));
    (filter, LogLevel(handle))
}

/// Only our own lines go into detail: at that level an HTTP library would write a provider's key into the log.
fn targets(level: Level) -> Targets {
    Targets::new().with_default(level.min(Level::WARN)).with_target("evercert", level)
}
