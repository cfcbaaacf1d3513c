//! Child processes that never outlive this one.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};

/// A shell that holds a pipe from this process and kills what it started when the pipe ends (`supervise.sh`).
///
/// Why not `PR_SET_PDEATHSIG`: it fires when the *thread* that spawned ends, which a test's runtime does early.
/// Why a shell: a library in somebody's test binary has no program of its own to start.
pub struct Supervisor {
    dir: PathBuf,
    shell: Child,
}

impl Supervisor {
    /// Starts supervising in `dir`, which is removed at the end unless `keep`.
    pub fn new(dir: &Path, keep: bool) -> Result<Self> {
        fs::write(dir.join("supervise.sh"), include_str!("supervise.sh"))?;
        let log = File::create(dir.join("supervisor.log"))?;
        let shell = Command::new("sh")
            .arg("supervise.sh")
            .arg(if keep { "keep" } else { "remove" })
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C in a terminal reaches a whole process group; this end is told by the pipe alone.
            .process_group(0)
            .spawn()
            .context("starting sh")?;
        Ok(Self { dir: dir.to_owned(), shell })
    }

    /// Starts `program` under `name`; its output goes to `<name>.log`.
    pub fn run(&mut self, name: &str, program: &Path, args: &[String]) -> Result<()> {
        let mut line = format!("{name} {}", quote(&program.to_string_lossy()));
        for arg in args {
            line.push(' ');
            line.push_str(&quote(arg));
        }
        line.push('\n');
        let stdin = self.shell.stdin.as_mut().context("the supervisor is stopping")?;
        stdin.write_all(line.as_bytes()).with_context(|| format!("starting {name}"))
    }

    /// Whether the process started under `name` has ended.
    pub fn has_ended(&self, name: &str) -> bool {
        self.dir.join(format!("{name}.exit")).exists()
    }

    /// What the process started under `name` has ended with, 128 and more for a signal; `None` while it runs.
    pub fn exit_code(&self, name: &str) -> Option<i32> {
        fs::read_to_string(self.dir.join(format!("{name}.exit"))).ok()?.trim().parse().ok()
    }

    /// What `name` has printed so far.
    pub fn log(&self, name: &str) -> String {
        fs::read(self.dir.join(format!("{name}.log")))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // Nothing can be done about a failure here, and the shell goes on without us.
        let _ = self.shell.wait();
    }
}

/// One word for a POSIX shell.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
