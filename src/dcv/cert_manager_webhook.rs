//! TXT records through a DNS01 webhook made for cert-manager: one POST to the API server, which hands it on to whoever
//! serves the webhook's API group (*ChallengePayload*, webhook.acme.cert-manager.io/v1alpha1).
//!
//! The protocol knows no TTL, no other record type, and no way to ask what is there. Some webhooks replace a name's whole
//! set of TXT values or delete it, so that none is called for a name with a value of somebody else's, unless the issuer
//! says that this one keeps them.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use kube::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{Ask, Kind, Observed, PublishError, Publisher, Record, SelfCheck, standing::Standing};

pub struct CertManagerWebhook {
    pub client: Client,
    pub group_name: String,
    pub solver_name: String,
    /// The solver's own, handed on as it is.
    pub config: Value,
    /// Of the Secrets that the solver is to read.
    pub resource_namespace: String,
    pub keeps_other_values: bool,
    /// Zones to take a name for in when name servers are not asked.
    pub zones: Vec<String>,
    /// Finds the zone of a name and what stands there; `None` where nobody is to ask name servers.
    pub dns: Option<(Arc<SelfCheck>, Ask)>,
}

/// The solver calls the API of some DNS service meanwhile.
const TIMEOUT: Duration = Duration::from_secs(45);
/// Of what a solver or the API server says.
const LONGEST: usize = 256;

#[derive(Debug, Default, Deserialize)]
struct Payload {
    response: Option<Response>,
}

#[derive(Debug, Default, Deserialize)]
struct Response {
    #[serde(default)]
    success: bool,
    status: Option<Status>,
}

#[derive(Debug, Default, Deserialize)]
struct Status {
    #[serde(default)]
    message: String,
}

#[async_trait]
impl Publisher for CertManagerWebhook {
    /// Not every webhook takes the same value twice well: called once for each, since what is published is recorded.
    async fn ensure(&self, record: &Record) -> Result<(), PublishError> {
        self.call("Present", record).await
    }

    async fn observe(&self, _: &Record) -> Result<Observed, PublishError> {
        Ok(Observed::Unknown)
    }

    async fn remove(&self, record: &Record) -> Result<(), PublishError> {
        self.call("CleanUp", record).await
    }
}

impl CertManagerWebhook {
    async fn call(&self, action: &str, record: &Record) -> Result<(), PublishError> {
        record.parse()?;
        if record.kind != Kind::Txt {
            let why = "a cert-manager webhook publishes TXT records only".to_owned();
            return Err(PublishError::Malformed { what: super::manual::sentence(record), why });
        }
        let zone = self.zone(record).await?;
        let name = record.name.trim_end_matches('.');
        let payload = json!({
            "apiVersion": "webhook.acme.cert-manager.io/v1alpha1",
            "kind": "ChallengePayload",
            "request": {
                "uid": "",
                "action": action,
                "type": "dns-01",
                "dnsName": name,
                "key": record.value,
                "resourceNamespace": self.resource_namespace,
                "resolvedFQDN": format!("{name}."),
                "resolvedZone": format!("{zone}."),
                "allowAmbientCredentials": false,
                "config": self.config,
            },
        });
        let answer = self.post(payload.to_string().into_bytes()).await?;
        match answer.response.unwrap_or_default() {
            Response { success: true, .. } => Ok(()),
            Response { status, .. } => {
                let said = status.map(|status| status.message).filter(|said| !said.is_empty());
                let code = said.map_or_else(|| "no reason".to_owned(), |said| short(&said));
                Err(PublishError::Failed { server: self.shown(), code })
            }
        }
    }

    /// The name's zone, once it is known that nobody loses anything.
    async fn zone(&self, record: &Record) -> Result<String, PublishError> {
        let standing = match &self.dns {
            Some((dns, ask)) => dns.standing(record, *ask).await?,
            None => Standing::default(),
        };
        standing.joined_by(record)?;
        if !self.keeps_other_values {
            standing.of_ours_alone(record, &BTreeSet::new()).map_err(|error| match error {
                PublishError::Conflict { name, holds } => PublishError::AtRisk { name, holds },
                error => error,
            })?;
        }
        let name = record.name.trim_end_matches('.');
        let is_within =
            |zone: &str| name.strip_suffix(zone).is_some_and(|above| above.is_empty() || above.ends_with('.'));
        let configured = self.zones.iter().filter(|zone| is_within(zone)).max_by_key(|zone| zone.len());
        let cause = "authoritative name servers are not asked, so the publisher's zones have to name its zone";
        let unknown = || PublishError::Unseen { name: name.to_owned(), cause: cause.to_owned() };
        standing.zone.or(configured.cloned()).ok_or_else(unknown)
    }

    async fn post(&self, body: Vec<u8>) -> Result<Payload, PublishError> {
        let unreachable = |cause: String| PublishError::Unreachable { server: self.shown(), cause };
        let request = http::Request::post(format!("/apis/{}/v1alpha1/{}", self.group_name, self.solver_name))
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| unreachable(error.to_string()))?;
        match timeout(TIMEOUT, self.client.request::<Payload>(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(kube::Error::Api(status))) => Err(self.refused(&status)),
            Ok(Err(error)) => Err(unreachable(short(&error.to_string()))),
            Err(_) => Err(unreachable("no answer in time".into())),
        }
    }

    fn refused(&self, status: &kube::core::Status) -> PublishError {
        let refused = |hint| PublishError::Refused { server: self.shown(), code: status.code.to_string(), hint };
        match status.code {
            401 | 403 => {
                refused("the operator may not create that resource of that API group (chart: certManagerWebhooks)")
            }
            404 => refused(
                "the API server knows no such API group or solver: its APIService is missing, or named otherwise",
            ),
            503 => PublishError::Unreachable {
                server: self.shown(),
                cause: format!("its APIService is not available: {}", short(&status.message)),
            },
            code => PublishError::Failed { server: self.shown(), code: format!("{code} {}", short(&status.message)) },
        }
    }

    fn shown(&self) -> String {
        format!("webhook {}/{}", self.group_name, self.solver_name)
    }
}

fn short(said: &str) -> String {
    said.chars().take(LONGEST).collect()
}
