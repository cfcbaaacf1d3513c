//! An append-only file: one line for every commit, each line an array of records that replace earlier ones.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::{
    dnsimple,
    records::{Account, ApiKey, Certificate, Domain, Operation, Order, Organization, Request},
    scm,
};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::large_enum_variant)] // lives only between a table and a line of text
pub(super) enum Entry {
    /// Offset of the clock, seconds.
    Clock(i64),
    Account(Account),
    ApiKey(ApiKey),
    Organization(Organization),
    Domain(Domain),
    Order(Order),
    Certificate(Certificate),
    Request(Request),
    Operation(Operation),
    ScmCustomer(scm::Customer),
    ScmOrganization(scm::Organization),
    ScmProfile(scm::Profile),
    ScmDomain(scm::Domain),
    ScmSsl(scm::Ssl),
    ScmField(scm::CustomField),
    Dnsimple(dnsimple::Row),
    /// The row with this id is no more.
    Removed(u64),
}

pub(super) struct Journal(File);

impl Journal {
    /// Replays what is there. A last line cut short by a crash was never answered to anybody: it is dropped.
    pub(super) fn open(path: &Path, mut apply: impl FnMut(Entry)) -> anyhow::Result<Self> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for (number, line) in text[..whole].split(|byte| *byte == b'\n').enumerate() {
            if !line.is_empty() {
                let entries: Vec<Entry> = serde_json::from_slice(line)
                    .map_err(|error| anyhow::anyhow!("journal line {}: {error}", number + 1))?;
                entries.into_iter().for_each(&mut apply);
            }
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(whole as u64)?;
        Ok(Self(file))
    }

    pub(super) fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        let mut line = serde_json::to_vec(entries)?;
        line.push(b'\n');
        self.0.write_all(&line)
    }
}
