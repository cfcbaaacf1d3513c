//! The calls of DNSimple's API v2 that are made, by their names in its OpenAPI description.

use reqwest::Method;

use crate::provider::transport;

pub(super) type Endpoint = transport::Endpoint<Kind>;

/// What a call does: decides which answers are certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    /// Asks DNSimple's name servers before it answers.
    Distribution,
    /// Changes records or webhooks, which can be looked up again.
    Change,
    /// May leave a certificate behind.
    Submit,
}

impl Kind {
    pub fn submits(self) -> bool {
        self == Self::Submit
    }
}

const fn endpoint(name: &'static str, method: Method, path: &'static str, kind: Kind) -> Endpoint {
    Endpoint { name, method, path, kind }
}

const fn get(name: &'static str, path: &'static str) -> Endpoint {
    endpoint(name, Method::GET, path, Kind::Read)
}

pub(super) static WHOAMI: Endpoint = get("whoami", "whoami");
pub(super) static LIST_ACCOUNTS: Endpoint = get("listAccounts", "accounts");

pub(super) static GET_DOMAIN: Endpoint = get("getDomain", "{account}/domains/{domain}");

pub(super) static LIST_CERTIFICATES: Endpoint = get("listCertificates", "{account}/domains/{domain}/certificates");
pub(super) static GET_CERTIFICATE: Endpoint =
    get("getCertificate", "{account}/domains/{domain}/certificates/{certificate}");
pub(super) static DOWNLOAD_CERTIFICATE: Endpoint =
    get("downloadCertificate", "{account}/domains/{domain}/certificates/{certificate}/download");
pub(super) static GET_PRIVATE_KEY: Endpoint =
    get("getCertificatePrivateKey", "{account}/domains/{domain}/certificates/{certificate}/private_key");

pub(super) static PURCHASE_LETSENCRYPT: Endpoint = endpoint(
    "purchaseLetsencryptCertificate",
    Method::POST,
    "{account}/domains/{domain}/certificates/letsencrypt",
    Kind::Submit,
);
pub(super) static ISSUE_LETSENCRYPT: Endpoint = endpoint(
    "issueLetsencryptCertificate",
    Method::POST,
    "{account}/domains/{domain}/certificates/letsencrypt/{purchase}/issue",
    Kind::Submit,
);
pub(super) static PURCHASE_RENEWAL: Endpoint = endpoint(
    "purchaseRenewalLetsencryptCertificate",
    Method::POST,
    "{account}/domains/{domain}/certificates/letsencrypt/{certificate}/renewals",
    Kind::Submit,
);
pub(super) static ISSUE_RENEWAL: Endpoint = endpoint(
    "issueRenewalLetsencryptCertificate",
    Method::POST,
    "{account}/domains/{domain}/certificates/letsencrypt/{certificate}/renewals/{renewal}/issue",
    Kind::Submit,
);

pub(super) static LIST_ZONES: Endpoint = get("listZones", "{account}/zones");
pub(super) static GET_ZONE: Endpoint = get("getZone", "{account}/zones/{zone}");
pub(super) static LIST_RECORDS: Endpoint = get("listZoneRecords", "{account}/zones/{zone}/records");
pub(super) static CREATE_RECORD: Endpoint =
    endpoint("createZoneRecord", Method::POST, "{account}/zones/{zone}/records", Kind::Change);
pub(super) static DELETE_RECORD: Endpoint =
    endpoint("deleteZoneRecord", Method::DELETE, "{account}/zones/{zone}/records/{record}", Kind::Change);
pub(super) static CHECK_DISTRIBUTION: Endpoint = endpoint(
    "checkZoneRecordDistribution",
    Method::GET,
    "{account}/zones/{zone}/records/{record}/distribution",
    Kind::Distribution,
);

pub(super) static LIST_WEBHOOKS: Endpoint = get("listWebhooks", "{account}/webhooks");
pub(super) static CREATE_WEBHOOK: Endpoint =
    endpoint("createWebhook", Method::POST, "{account}/webhooks", Kind::Change);
pub(super) static DELETE_WEBHOOK: Endpoint =
    endpoint("deleteWebhook", Method::DELETE, "{account}/webhooks/{webhook}", Kind::Change);
