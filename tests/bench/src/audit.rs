//! What a client wrote, as the API server's audit log has it.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use anyhow::Result;
use serde::Deserialize;

/// Reads an audit log on from where it was read last.
pub struct Audit {
    path: PathBuf,
    user: String,
    offset: u64,
}

/// Requests by verb and resource.
#[derive(Clone, Debug, Default)]
pub struct Writes(pub BTreeMap<(String, String), u64>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    stage: String,
    verb: String,
    user: User,
    object_ref: Option<Object>,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    resource: String,
    subresource: Option<String>,
}

impl Audit {
    pub fn open(path: &Path, user: &str) -> Self {
        Self { path: path.to_owned(), user: user.to_owned(), offset: 0 }
    }

    /// What the user has written since the last read, the Lease aside, refused or not.
    pub fn read(&mut self) -> Result<Writes> {
        let mut file = BufReader::new(File::open(&self.path)?);
        file.seek(SeekFrom::Start(self.offset))?;
        let mut writes = Writes::default();
        let mut line = String::new();
        // A line that is still being written is read next time.
        while file.read_line(&mut line)? > 0 && line.ends_with('\n') {
            let at = self.offset;
            self.offset += line.len() as u64;
            let read = serde_json::from_str::<Event>(&line);
            let start: String = line.chars().take(200).collect();
            line.clear();
            // One line in a million is no reason to lose a run of half an hour, but none goes unsaid.
            let Ok(event) = read.inspect_err(|why| eprintln!("the audit log at byte {at}: {why}: {start:?}")) else {
                continue;
            };
            let write = matches!(event.verb.as_str(), "create" | "update" | "patch" | "delete");
            let Some(object) = event.object_ref.filter(|object| write && object.resource != "leases") else { continue };
            if event.user.username == self.user && event.stage == "ResponseComplete" {
                let resource = match object.subresource {
                    Some(sub) => format!("{}/{sub}", object.resource),
                    None => object.resource,
                };
                *writes.0.entry((event.verb, resource)).or_default() += 1;
            }
        }
        Ok(writes)
    }
}

impl Writes {
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    pub fn add(&mut self, more: &Self) {
        for (what, count) in &more.0 {
            *self.0.entry(what.clone()).or_default() += count;
        }
    }
}
