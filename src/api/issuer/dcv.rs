//! How control of domains is proven, and where records get published.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretKeyRef;
use crate::api::{issuance::PublisherKind, schema};

/// Domain control validation.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dcv {
    /// How control of a domain is proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<DcvMethod>,
    /// The check before the provider is asked to look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_check: Option<SelfCheck>,
    /// Where a name made for validation (`_dnsauth`, `_<hash>`, `_pki-validation`) is a CNAME, publish at its end, by the publisher of that zone. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow_cname: Option<bool>,
    /// Where records get published: the entry with the zone closest to the name, else the first without zones. None: as `manual`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub publishers: Vec<Publisher>,
}

/// How control of a domain is proven: a TXT or a CNAME record, a file on the web server, or an answered mail. Auto (default) leaves the choice to Evercert.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DcvMethod {
    /// Chosen by Evercert.
    #[default]
    Auto,
    /// A TXT record.
    DnsTxt,
    /// A CNAME record.
    DnsCname,
    /// A file at each name, port 80. Not for wildcards.
    Http,
    /// A mail of the provider's to the domain's administrators, which one of them answers.
    Email,
}

/// Who must see a record before the provider is asked to look. Authoritative (default): every name server of the zone.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SelfCheck {
    /// All authoritative name servers of the zone.
    #[default]
    Authoritative,
    /// The operator's resolvers; for clusters that cannot reach other name servers.
    Recursive,
    /// Whoever serves the zone is asked whether all its servers have it, where the publisher can; else as Authoritative.
    Provider,
    /// Nobody: the provider is asked at once.
    None,
}

/// One place where records get published. Exactly one of rfc2136, dnsimple, externalDns, certManagerWebhook, http and manual.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Publisher {
    /// Zones this entry serves, with everything below them. None: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253), regex(pattern = schema::ZONE)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub zones: Vec<String>,
    #[serde(flatten)]
    pub target: PublishTo,
}

/// How a record gets into the DNS.
#[derive(JsonSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::exactly_one)]
pub enum PublishTo {
    /// Dynamic updates (RFC 2136) with TSIG (RFC 8945).
    Rfc2136(Rfc2136),
    /// Zone records at DNSimple.
    Dnsimple(DnSimpleZones),
    /// DNSEndpoints (externaldns.k8s.io/v1alpha1), which ExternalDNS publishes: in the namespace of the Issuer, for a ClusterIssuer in the operator's.
    ExternalDns(ExternalDns),
    /// A DNS01 webhook made for cert-manager: TXT records only, and only for a ClusterIssuer.
    CertManagerWebhook(CertManagerWebhook),
    /// Files, answered by Evercert itself behind a Gateway or an Ingress: not for wildcards, and only for a ClusterIssuer.
    Http(Http),
    /// A person; the Certificate's ActionRequired condition shows the exact record.
    Manual(Manual),
}

impl PublishTo {
    pub fn kind(&self) -> PublisherKind {
        match self {
            Self::Rfc2136(_) => PublisherKind::Rfc2136,
            Self::Dnsimple(_) => PublisherKind::Dnsimple,
            Self::ExternalDns(_) => PublisherKind::ExternalDns,
            Self::CertManagerWebhook(_) => PublisherKind::CertManagerWebhook,
            Self::Http(_) => PublisherKind::Http,
            Self::Manual(_) => PublisherKind::Manual,
        }
    }
}

/// A name server that takes dynamic updates for the zones.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rfc2136 {
    /// The primary name server, `host:port` or `host` (port 53).
    #[schemars(length(min = 1, max = 262), regex(pattern = r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?$"))]
    pub nameserver: String,
    /// The key that signs updates.
    pub tsig: Tsig,
}

/// A TSIG key.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tsig {
    /// Name of the key at the name server.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[A-Za-z0-9_.-]+$"))]
    pub key_name: String,
    /// Default: HmacSha256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<TsigAlgorithm>,
    /// Where the base64 key material is.
    pub secret_ref: SecretKeyRef,
}

/// MAC of a TSIG signature; the ones RFC 8945 still recommends.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TsigAlgorithm {
    #[default]
    HmacSha256,
    HmacSha384,
    HmacSha512,
}

/// A DNSimple account that has the zones.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DnSimpleZones {
    /// Base URL of the API. Default: `https://api.dnsimple.com/v2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = schema::URL))]
    pub url: Option<String>,
    /// DNSimple's number of the account, which its pages have in their addresses.
    #[schemars(range(min = 1))]
    pub account_id: i64,
    /// An access token that may write the zones and needs nothing else: a key of a Secret in the issuer's namespace, for a ClusterIssuer in the operator's.
    pub token_secret_ref: SecretKeyRef,
}

/// The ExternalDNS of this cluster.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalDns {
    /// Labels of each DNSEndpoint, for an ExternalDNS that looks for some.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::labels")]
    pub labels: BTreeMap<String, String>,
}

/// A webhook that takes cert-manager's ChallengePayload through the API server.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertManagerWebhook {
    /// API group of the webhook's APIService.
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::OBJECT_NAME))]
    pub group_name: String,
    /// The solver in it.
    #[schemars(length(min = 1, max = 63), regex(pattern = schema::OBJECT_NAME))]
    pub solver_name: String,
    /// What the solver's documentation has under config. The Secrets it names are in the operator's namespace, unless it says otherwise itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::anything")]
    pub config: Option<serde_json::Value>,
    /// Whether the solver leaves other TXT values of a name alone; some replace or delete all of them. Without it, no name is touched that holds another value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keeps_other_values: Option<bool>,
}

/// What leads requests for a file from its name to Evercert.
#[derive(JsonSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::exactly_one)]
pub enum Http {
    /// Gateways (gateway.networking.k8s.io/v1), each of which gets an HTTPRoute in its own namespace.
    ParentRefs(#[schemars(length(min = 1, max = 8), extend("x-kubernetes-list-type" = "atomic"))] Vec<ParentRef>),
    /// An Ingress in the operator's namespace, where there is no Gateway API.
    Ingress(Ingress),
}

/// A Gateway.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParentRef {
    /// Its name.
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::OBJECT_NAME))]
    pub name: String,
    /// Its namespace. Default: the operator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = schema::OBJECT_NAME))]
    pub namespace: Option<String>,
    /// One of its listeners: that of port 80. Default: all that take the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::OBJECT_NAME))]
    pub section_name: Option<String>,
    /// Its listeners of this port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,
}

/// How an Ingress for a file looks.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ingress {
    /// Which controller is to serve it. Default: the cluster's default class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::OBJECT_NAME))]
    pub class_name: Option<String>,
    /// What its controller needs to be told, at most 32 of 4096 characters: not to redirect to HTTPS, for example.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::annotations")]
    pub annotations: BTreeMap<String, String>,
}

/// Nothing to configure.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manual {}
