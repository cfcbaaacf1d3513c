//! What is said to Sectigo Certificate Manager (SCM): by an issuer for all, and by a Certificate for itself.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretKeyRef;
use crate::api::schema;

/// A customer of Sectigo Certificate Manager and the defaults for what is enrolled there.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.plusAddressing) || !self.plusAddressing || has(self.externalRequester)")
        .message("plusAddressing is for externalRequester, which is missing")
)]
pub struct Sectigo {
    /// Base URL of the Admin API. Default: `https://cert-manager.com/api`; for a client certificate `https://cert-manager.com/private/api`, for OAuth 2.0 `https://admin.enterprise.sectigo.com/api`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = schema::URL))]
    pub url: Option<String>,
    /// Version of the SSL endpoints. Default: v2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<SectigoApiVersion>,
    /// The customer's name in SCM's login URL. It tells one account from another, whoever logs in and how.
    #[schemars(length(min = 1, max = 128), regex(pattern = "^[!-~]+$"))]
    pub customer_uri: String,
    /// Who calls.
    pub auth: SectigoAuth,
    /// SCM's id of the organization or department that certificates are enrolled for.
    #[schemars(range(min = 1))]
    pub org_id: i64,
    /// SCM's id of the certificate profile.
    #[schemars(range(min = 1))]
    pub profile_id: i64,
    /// How many days a certificate is enrolled for: a term that the profile offers.
    #[schemars(range(min = 1, max = 1190))]
    pub term: i32,
    /// Mail address of somebody outside SCM for whom it is enrolled, and who gets SCM's mails about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 254), regex(pattern = schema::EMAIL))]
    pub external_requester: Option<String>,
    /// Whether each enrollment gets an external requester of its own, `user+<mark>@domain` (RFC 5233), by which SCM can be searched when an answer is lost. Mail to such an address has to arrive. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plus_addressing: Option<bool>,
    /// How SCM validates domains, as it is set up for the customer. Default: PerCertificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<SectigoValidation>,
    /// Whether SCM's inventory is told where each certificate lives: cluster, namespace and Secret, as a custom location. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_locations: Option<bool>,
    #[serde(flatten)]
    pub options: SectigoOptions,
}

/// What goes to SCM with an enrollment and changes neither its names nor its key. A change counts from the next
/// enrollment on: a renewal and a replacement take it over from the certificate before.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SectigoOptions {
    /// Comment to whoever approves the request; Evercert adds its mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 900))]
    pub comments: Option<String>,
    /// The customer's own fields. A Certificate adds to the issuer's and cannot change them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub custom_fields: Vec<NamedField>,
}

/// One of the customer's own fields (*Settings > Custom Fields* in SCM).
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamedField {
    /// Its name in SCM.
    #[schemars(length(min = 1, max = 256))]
    pub name: String,
    /// What it holds.
    #[schemars(length(min = 1, max = 256))]
    pub value: String,
}

/// Version of the SSL endpoints: v2 (default), as the vendor documents them today, or v1 for accounts that lack it.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SectigoApiVersion {
    V1,
    #[default]
    V2,
}

/// How domains are validated. PerCertificate (default): with each certificate. Prevalidated: by somebody else, before a certificate is asked for.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SectigoValidation {
    #[default]
    PerCertificate,
    Prevalidated,
}

/// Who calls: exactly one of password, oauth2 and clientCertificate.
#[derive(JsonSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::exactly_one)]
pub enum SectigoAuth {
    /// An API admin, by login and password.
    Password(SectigoPassword),
    /// An API client, by OAuth 2.0 client credentials (RFC 6749).
    Oauth2(SectigoOauth2),
    /// An API admin, by login and TLS client certificate.
    ClientCertificate(SectigoClientCertificate),
}

/// An API admin of SCM, by password.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SectigoPassword {
    /// The admin's login.
    #[schemars(length(min = 1, max = 128), regex(pattern = "^[!-~]+$"))]
    pub login: String,
    /// The password: a key of a Secret in the issuer's namespace, for a ClusterIssuer in the operator's.
    pub password_secret_ref: SecretKeyRef,
}

/// An API client of SCM.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SectigoOauth2 {
    /// Where tokens are given out. Default: `https://auth.sso.sectigo.com/auth/realms/apiclients/protocol/openid-connect/token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = schema::URL))]
    pub token_url: Option<String>,
    /// The client's id.
    #[schemars(length(min = 1, max = 128), regex(pattern = "^[!-~]+$"))]
    pub client_id: String,
    /// The client's secret: a key of a Secret in the issuer's namespace, for a ClusterIssuer in the operator's.
    pub client_secret_ref: SecretKeyRef,
}

/// An API admin of SCM, by TLS client certificate.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SectigoClientCertificate {
    /// The admin's login.
    #[schemars(length(min = 1, max = 128), regex(pattern = "^[!-~]+$"))]
    pub login: String,
    /// A Secret of type kubernetes.io/tls with tls.crt and tls.key, in the issuer's namespace, for a ClusterIssuer in the operator's.
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::OBJECT_NAME))]
    pub secret_name: String,
}
