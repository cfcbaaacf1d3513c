//! What the viewer reads. Styled on a terminal only.

use std::{
    cell::Cell,
    env,
    io::{self, IsTerminal, Write},
    time::Instant,
};

/// How many of the operator's last log lines explain a failure.
const LAST_LINES: usize = 25;

pub struct Tale {
    started: Instant,
    styled: bool,
    /// The last line was empty: no other is needed.
    apart: Cell<bool>,
}

impl Tale {
    pub fn begin() -> Self {
        let plain = env::var_os("NO_COLOR").is_some() || env::var("TERM").is_ok_and(|term| term == "dumb");
        Self { started: Instant::now(), styled: io::stdout().is_terminal() && !plain, apart: Cell::new(true) }
    }

    /// A new part of the story.
    pub fn act(&self, title: &str) {
        self.space();
        self.print(&self.style("1", title));
    }

    /// Something that happens now.
    pub fn say(&self, text: &str) {
        self.print(&format!("{} {text}", self.style("2", &self.elapsed())));
    }

    /// Something that happens to an object.
    pub fn about(&self, object: &str, text: &str) {
        self.say(&format!("{} {text}", self.style("36", &format!("{object:<9}"))));
    }

    /// A command as the viewer could type it, and what it prints.
    pub fn command(&self, command: &str, output: &str) {
        self.space();
        self.print(&format!("  {}", self.style("1", &format!("$ {command}"))));
        for line in output.trim_end().lines() {
            self.print(format!("  {line}").trim_end());
        }
        self.space();
    }

    /// Something apart from the story.
    pub fn note(&self, text: &str) {
        self.space();
        self.print(text);
    }

    fn space(&self) {
        if !self.apart.replace(true) {
            let _ = writeln!(io::stdout());
        }
    }

    /// Why the story ends badly.
    pub fn fail(&self, why: &anyhow::Error, log: &str) {
        let lines: Vec<_> = log.lines().collect();
        let mut text = format!("\n{} {why:#}\n", self.style("1;31", "The demo has failed:"));
        if !lines.is_empty() {
            text.push_str("\nThe operator's last log lines:\n");
            text.push_str(&lines[lines.len().saturating_sub(LAST_LINES)..].join("\n"));
        }
        let _ = writeln!(io::stderr(), "{text}");
    }

    fn elapsed(&self) -> String {
        format!("[{:5.1}s]", self.started.elapsed().as_secs_f64())
    }

    fn style(&self, code: &str, text: &str) -> String {
        if self.styled { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A viewer who has closed the pipe misses the rest; the checks go on.
    fn print(&self, text: &str) {
        self.apart.set(false);
        let _ = writeln!(io::stdout(), "{text}");
    }
}

/// Rows under a header, in columns as wide as needed.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("   ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
