//! Records as DNSEndpoints, which ExternalDNS carries to whatever serves the zone.
//!
//! One object holds all values of one name and type. ExternalDNS joins the values of several objects when their TTL is the
//! same, so it always is. It drops a CNAME for whose name something else is wanted as well (`plan/conflict.go`), and takes
//! a name over whole where nobody told it what is its own, so that the name is looked at first.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use kube::{
    Api, Client, CustomResource, Resource,
    api::{DeleteParams, ObjectMeta, PostParams, Preconditions},
};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::{Ask, Kind, Observed, PublishError, Publisher, Record, SelfCheck, TTL};

pub struct ExternalDns {
    pub client: Client,
    /// Of the objects.
    pub namespace: String,
    /// Of each object.
    pub labels: BTreeMap<String, String>,
    /// Label and value on what Evercert makes.
    pub mark: (&'static str, &'static str),
    /// Two operators never share an object.
    pub installation: String,
    /// Values at the record's name that other certificates have published.
    pub ours: BTreeSet<String>,
    /// Looks at a name before it is touched; `None` where nobody is to ask name servers.
    pub dns: Option<(Arc<SelfCheck>, Ask)>,
}

/// *DNSEndpoint*, externaldns.k8s.io/v1alpha1, as far as it is used.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "externaldns.k8s.io",
    version = "v1alpha1",
    kind = "DNSEndpoint",
    plural = "dnsendpoints",
    namespaced,
    schema = "disabled"
)]
pub struct DNSEndpointSpec {
    #[serde(default)]
    endpoints: Vec<Endpoint>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint {
    #[serde(default)]
    dns_name: String,
    #[serde(default)]
    record_type: String,
    #[serde(rename = "recordTTL", default)]
    record_ttl: u32,
    #[serde(default)]
    targets: BTreeSet<String>,
}

const KUBE_TIMEOUT: Duration = Duration::from_secs(15);
/// Others write the same object: each of these tries begins with what is there now.
const TRIES: usize = 4;

/// What to make of an object.
enum Change {
    Nothing,
    Create(DNSEndpoint),
    Replace(DNSEndpoint),
    Delete(DNSEndpoint),
}

#[async_trait]
impl Publisher for ExternalDns {
    async fn ensure(&self, record: &Record) -> Result<(), PublishError> {
        record.parse()?;
        if let Some((dns, ask)) = &self.dns {
            let standing = dns.standing(record, *ask).await?;
            standing.joined_by(record)?;
            if record.kind == Kind::Txt {
                standing.of_ours_alone(record, &self.ours)?;
            }
        }
        self.change(record, |there| self.with(record, there)).await
    }

    async fn observe(&self, record: &Record) -> Result<Observed, PublishError> {
        let there = self.get(record).await?;
        let held = there.is_some_and(|there| self.is_ours(&there) && targets(&there).contains(&target(record)));
        Ok(if held { Observed::Present } else { Observed::Absent })
    }

    async fn remove(&self, record: &Record) -> Result<(), PublishError> {
        self.change(record, |there| Ok(self.without(record, there))).await
    }

    fn hint(&self) -> Option<&'static str> {
        Some(
            "ExternalDNS publishes it only with --source=crd, --managed-record-types naming its type, a domain filter that \
             lets the name in, and an owner that holds the name",
        )
    }
}

impl ExternalDns {
    async fn change(
        &self,
        record: &Record,
        decide: impl Fn(Option<DNSEndpoint>) -> Result<Change, PublishError>,
    ) -> Result<(), PublishError> {
        let mut last = None;
        for _ in 0..TRIES {
            let write = PostParams::default();
            let done = match decide(self.get(record).await?)? {
                Change::Nothing => return Ok(()),
                Change::Create(object) => self.call(self.api().create(&write, &object)).await.map(drop),
                Change::Replace(object) => {
                    let name = object.metadata.name.clone().unwrap_or_default();
                    self.call(self.api().replace(&name, &write, &object)).await.map(drop)
                }
                Change::Delete(object) => {
                    let ObjectMeta { name, uid, resource_version, .. } = object.metadata;
                    let only = Preconditions { uid, resource_version };
                    let delete = DeleteParams { preconditions: Some(only), ..DeleteParams::default() };
                    self.call(self.api().delete(&name.unwrap_or_default(), &delete)).await.map(drop)
                }
            };
            match done {
                Err(Refusal::Changed) => last = Some(Refusal::Changed),
                done => return done.map_err(|refusal| self.told(refusal)),
            }
        }
        Err(self.told(last.unwrap_or(Refusal::Changed)))
    }

    /// Objects with other labels are for another ExternalDNS.
    fn name(&self, record: &Record) -> String {
        let name = dns_name(record);
        let labels: Vec<_> = self.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let identity = [&self.installation, &name, record_type(record.kind), &labels.join(",")].join("\n");
        let hash: String =
            digest(&SHA256, identity.as_bytes()).as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let readable: String =
            name.chars().take(200).map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        format!("dcv-{readable}-{}-{hash}", record_type(record.kind).to_ascii_lowercase())
    }

    fn with(&self, record: &Record, there: Option<DNSEndpoint>) -> Result<Change, PublishError> {
        let Some(mut object) = there else { return Ok(Change::Create(self.object(record, [target(record)].into()))) };
        if !self.is_ours(&object) {
            let holds = format!("DNSEndpoint {}/{}, which is not Evercert's", self.namespace, self.name(record));
            return Err(PublishError::Conflict { name: dns_name(record), holds });
        }
        let mut targets = targets(&object);
        if record.kind == Kind::Cname
            && let Some(other) = targets.iter().find(|held| **held != target(record))
        {
            return Err(PublishError::Conflict { name: dns_name(record), holds: format!("a CNAME to {other}") });
        }
        targets.insert(target(record));
        let wanted = self.object(record, targets);
        let same_labels = self
            .labels
            .iter()
            .all(|(key, value)| object.metadata.labels.as_ref().and_then(|labels| labels.get(key)) == Some(value));
        if object.spec == wanted.spec && same_labels {
            return Ok(Change::Nothing);
        }
        object.spec = wanted.spec;
        object.metadata.labels.get_or_insert_default().extend(wanted.metadata.labels.unwrap_or_default());
        Ok(Change::Replace(object))
    }

    fn without(&self, record: &Record, there: Option<DNSEndpoint>) -> Change {
        let Some(mut object) = there.filter(|there| self.is_ours(there)) else { return Change::Nothing };
        let mut targets = targets(&object);
        if !targets.remove(&target(record)) {
            return Change::Nothing;
        }
        if targets.is_empty() {
            return Change::Delete(object);
        }
        object.spec = self.object(record, targets).spec;
        Change::Replace(object)
    }

    fn object(&self, record: &Record, targets: BTreeSet<String>) -> DNSEndpoint {
        let record_type = record_type(record.kind).to_owned();
        let endpoint = Endpoint { dns_name: dns_name(record), record_type, record_ttl: TTL, targets };
        let mut object = DNSEndpoint::new(&self.name(record), DNSEndpointSpec { endpoints: vec![endpoint] });
        let (mark, value) = self.mark;
        let mut labels = self.labels.clone();
        labels.insert(mark.to_owned(), value.to_owned());
        object.metadata.labels = Some(labels);
        object
    }

    fn is_ours(&self, object: &DNSEndpoint) -> bool {
        let (mark, value) = self.mark;
        object.meta().labels.as_ref().and_then(|labels| labels.get(mark)).is_some_and(|held| held == value)
    }

    async fn get(&self, record: &Record) -> Result<Option<DNSEndpoint>, PublishError> {
        match self.call(self.api().get_opt(&self.name(record))).await {
            // So says also an API server that does not know the kind.
            Err(Refusal::Unknown) => Ok(None),
            found => found.map_err(|refusal| self.told(refusal)),
        }
    }

    fn api(&self) -> Api<DNSEndpoint> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    async fn call<T>(&self, request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, Refusal> {
        match timeout(KUBE_TIMEOUT, request).await {
            Ok(answer) => answer.map_err(|error| Refusal::of(&error)),
            Err(_) => Err(Refusal::Silent("no answer in time".into())),
        }
    }

    fn told(&self, refusal: Refusal) -> PublishError {
        let server = format!("the API server (DNSEndpoints in namespace {})", self.namespace);
        let refused = |code: &str, hint| PublishError::Refused { server: server.clone(), code: code.to_owned(), hint };
        match refusal {
            Refusal::Unknown => refused("NotFound", "the CustomResourceDefinition of ExternalDNS is not installed"),
            Refusal::Forbidden => refused(
                "Forbidden",
                "give the operator the right to get, create, update and delete dnsendpoints there (chart: externalDns)",
            ),
            Refusal::Changed => PublishError::Failed { server, code: "Conflict".into() },
            Refusal::Other(code) => PublishError::Failed { server, code },
            Refusal::Silent(cause) => PublishError::Unreachable { server, cause },
        }
    }
}

/// What the API server answered instead.
enum Refusal {
    Unknown,
    Forbidden,
    /// Somebody was faster.
    Changed,
    Other(String),
    Silent(String),
}

impl Refusal {
    fn of(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => match status.code {
                404 => Self::Unknown,
                401 | 403 => Self::Forbidden,
                409 => Self::Changed,
                code => Self::Other(format!("{code} {}", status.message.chars().take(256).collect::<String>())),
            },
            error => Self::Silent(error.to_string().chars().take(256).collect()),
        }
    }
}

fn targets(object: &DNSEndpoint) -> BTreeSet<String> {
    object.spec.endpoints.iter().flat_map(|endpoint| endpoint.targets.iter().cloned()).collect()
}

fn dns_name(record: &Record) -> String {
    record.name.trim_end_matches('.').to_ascii_lowercase()
}

fn record_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Txt => "TXT",
        Kind::Cname => "CNAME",
    }
}

/// Providers of ExternalDNS that write zone-file lines need quotes around what such a line would not keep (RFC 1035 §5.1);
/// a token is mostly a word, which all of them take as it is.
fn target(record: &Record) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || "-_.=+/:".contains(c);
    match record.kind {
        Kind::Cname => record.value.trim_end_matches('.').to_owned(),
        Kind::Txt if !record.value.is_empty() && record.value.chars().all(word) => record.value.clone(),
        Kind::Txt => format!("\"{}\"", record.value.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

#[cfg(test)]
mod tests;
