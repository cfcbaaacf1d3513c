//! The calls of the SCM Admin API that are made, by the summaries of its description.

use reqwest::Method;

use crate::provider::transport;

pub(super) type Endpoint = transport::Endpoint<Kind>;

/// What a call does: decides which error codes are certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Enroll,
    Renew,
    Replace,
    /// Approve and decline.
    Decide,
    Update,
    Revoke,
    Collect,
    Dcv,
    Read,
    /// Changes nothing but SCM's own records.
    Record,
}

impl Kind {
    /// May leave something behind that costs money or replaces a certificate.
    pub fn submits(self) -> bool {
        matches!(self, Self::Enroll | Self::Renew | Self::Replace)
    }
}

const fn endpoint(name: &'static str, method: Method, path: &'static str, kind: Kind) -> Endpoint {
    Endpoint { name, method, path, kind }
}

const fn get(name: &'static str, path: &'static str) -> Endpoint {
    endpoint(name, Method::GET, path, Kind::Read)
}

const fn post(name: &'static str, path: &'static str, kind: Kind) -> Endpoint {
    endpoint(name, Method::POST, path, kind)
}

/// `POST` of an OAuth 2.0 token server, at a URL of its own.
pub(super) static TOKEN: Endpoint = post("get an access token", "token", Kind::Read);

pub(super) static LIST: Endpoint = get("list SSL certificates", "ssl/{version}");
pub(super) static DETAILS: Endpoint = get("get SSL certificate details", "ssl/{version}/{certificate}");
pub(super) static UPDATE: Endpoint =
    endpoint("update SSL certificate details", Method::PUT, "ssl/{version}", Kind::Update);
pub(super) static DELETE: Endpoint =
    endpoint("delete SSL certificate", Method::DELETE, "ssl/{version}/{certificate}", Kind::Record);

pub(super) static ENROLL: Endpoint = post("request SSL certificate", "ssl/{version}/enroll", Kind::Enroll);
pub(super) static ENROLL_KEYGEN: Endpoint =
    post("request SSL certificate with key generation", "ssl/{version}/enroll-keygen", Kind::Enroll);
pub(super) static IMPORT: Endpoint = post("import certificates", "ssl/{version}/import", Kind::Record);
pub(super) static RENEW_BY_ID: Endpoint =
    post("renew SSL certificate by id", "ssl/{version}/renewById/{certificate}", Kind::Renew);
pub(super) static RENEW: Endpoint =
    post("renew SSL certificate by renew id", "ssl/{version}/renew/{renewal}", Kind::Renew);
pub(super) static RENEW_MANUALLY: Endpoint =
    post("mark SSL certificate as renewed", "ssl/{version}/renew/manual/{certificate}", Kind::Record);
pub(super) static REPLACE: Endpoint =
    post("replace SSL certificate", "ssl/{version}/replace/{certificate}", Kind::Replace);
pub(super) static APPROVE: Endpoint =
    post("approve SSL certificate", "ssl/{version}/approve/{certificate}", Kind::Decide);
pub(super) static DECLINE: Endpoint =
    post("decline SSL certificate", "ssl/{version}/decline/{certificate}", Kind::Decide);
pub(super) static REVOKE: Endpoint =
    post("revoke SSL certificate by id", "ssl/{version}/revoke/{certificate}", Kind::Revoke);
pub(super) static REVOKE_BY_SERIAL: Endpoint =
    post("revoke SSL certificate by serial number", "ssl/{version}/revoke/serial/{serial}", Kind::Revoke);
pub(super) static REVOKE_MANUALLY: Endpoint =
    post("mark SSL certificate as revoked", "ssl/{version}/revoke/manual", Kind::Record);

pub(super) static COLLECT: Endpoint =
    endpoint("collect SSL certificate", Method::GET, "ssl/{version}/collect/{certificate}", Kind::Collect);
pub(super) static KEYSTORE: Endpoint =
    post("download private key", "ssl/{version}/keystore/{certificate}/{format}", Kind::Record);
/// "Certificate Manager 25.5 REST API": without a passphrase, by GET.
pub(super) static KEYSTORE_V1: Endpoint = get("download private key", "ssl/{version}/keystore/{certificate}/{format}");

pub(super) static DCV: Endpoint = get("DCV process info", "ssl/{version}/{certificate}/dcv");
pub(super) static DCV_RECHECK: Endpoint =
    post("recheck DCV process info", "ssl/{version}/{certificate}/dcv/recheck", Kind::Dcv);

pub(super) static LIST_LOCATIONS: Endpoint = get("list locations", "ssl/{version}/{certificate}/location");
pub(super) static CREATE_LOCATION: Endpoint =
    post("create custom location", "ssl/{version}/{certificate}/location", Kind::Record);
pub(super) static LOCATION: Endpoint = get("get location details", "ssl/{version}/{certificate}/location/{location}");
pub(super) static UPDATE_LOCATION: Endpoint =
    endpoint("update custom location", Method::PUT, "ssl/{version}/{certificate}/location/{location}", Kind::Record);
pub(super) static DELETE_LOCATION: Endpoint =
    endpoint("delete custom location", Method::DELETE, "ssl/{version}/{certificate}/location/{location}", Kind::Record);

pub(super) static PROFILES: Endpoint = get("list SSL certificate profiles", "ssl/{version}/types");
pub(super) static CUSTOM_FIELDS: Endpoint = get("list SSL certificate custom fields", "ssl/{version}/customFields");

pub(super) static LIST_VALIDATIONS: Endpoint = get("list domain validations", "dcv/{version}/validation");
/// Its v1 is deprecated in the page that has v1 of all others, and tells nothing of what is under way.
pub(super) static VALIDATION: Endpoint = post("get validation details", "dcv/v2/validation/status", Kind::Read);
pub(super) static START_VALIDATION: Endpoint =
    post("start validation", "dcv/{version}/validation/start/domain/{method}", Kind::Dcv);
pub(super) static SUBMIT_VALIDATION: Endpoint =
    post("submit validation", "dcv/{version}/validation/submit/domain/{method}", Kind::Dcv);
pub(super) static SUBMIT_VALIDATIONS_BY_EMAIL: Endpoint =
    post("submit validation email bulk", "dcv/{version}/validation/submit-bulk/domain/email", Kind::Dcv);
pub(super) static SYNC_VALIDATION: Endpoint =
    post("sync validation details", "dcv/{version}/validation/sync", Kind::Dcv);
pub(super) static CLEAR_VALIDATION: Endpoint = post("clear validation", "dcv/{version}/validation/clear", Kind::Dcv);
pub(super) static DELETE_VALIDATION: Endpoint = post("delete validation", "dcv/{version}/validation/delete", Kind::Dcv);

pub(super) static LIST_DOMAINS: Endpoint = get("list domains", "domain/v1");
pub(super) static DOMAIN: Endpoint = get("get domain details", "domain/v1/{domain}");
pub(super) static LIST_ORGANIZATIONS: Endpoint = get("list organizations", "organization/v1");
pub(super) static ORGANIZATION: Endpoint = get("organization details", "organization/v1/{organization}");
pub(super) static REPORT: Endpoint = post("SSL certificates report", "report/v1/ssl-certificates", Kind::Read);
