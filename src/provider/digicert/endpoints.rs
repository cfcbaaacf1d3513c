//! The calls of the CertCentral Services API v2 that are made, by the names of its pages.

use reqwest::Method;

use crate::provider::transport;

pub(super) type Endpoint = transport::Endpoint<Kind>;

/// What a call does: decides which error codes are certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Order,
    Reissue,
    Revoke,
    Cancel,
    Dcv,
    Read,
    ReadOrganization,
    ReadProduct,
}

impl Kind {
    /// May leave something behind that costs money or replaces a certificate.
    pub fn submits(self) -> bool {
        matches!(self, Self::Order | Self::Reissue)
    }
}

const fn endpoint(name: &'static str, method: Method, path: &'static str, kind: Kind) -> Endpoint {
    Endpoint { name, method, path, kind }
}

const fn get(name: &'static str, path: &'static str) -> Endpoint {
    endpoint(name, Method::GET, path, Kind::Read)
}

const fn dcv(name: &'static str, path: &'static str) -> Endpoint {
    endpoint(name, Method::PUT, path, Kind::Dcv)
}

pub(super) static USER_INFO: Endpoint = get("user info", "user/me");
pub(super) static ACCOUNT_DETAILS: Endpoint = get("account details", "account");
pub(super) static ORGANIZATION_INFO: Endpoint =
    endpoint("organization info", Method::GET, "organization/{organization}", Kind::ReadOrganization);
pub(super) static PRODUCT_INFO: Endpoint =
    endpoint("product info", Method::GET, "product/{product}", Kind::ReadProduct);

pub(super) static ORDER_CERTIFICATE: Endpoint =
    endpoint("order certificate", Method::POST, "order/certificate/{product}", Kind::Order);
pub(super) static REISSUE_CERTIFICATE: Endpoint =
    endpoint("reissue certificate", Method::POST, "order/certificate/{order}/reissue", Kind::Reissue);
pub(super) static DUPLICATE_CERTIFICATE: Endpoint =
    endpoint("duplicate certificate", Method::POST, "order/certificate/{order}/duplicate", Kind::Reissue);

pub(super) static ORDER_INFO: Endpoint = get("order info", "order/certificate/{order}");
pub(super) static LIST_ORDERS: Endpoint = get("list orders", "order/certificate");
pub(super) static STATUS_CHANGES: Endpoint = get("status change list", "order/certificate/status-changes");
pub(super) static ORDERS_BY_ALTERNATIVE_ID: Endpoint =
    get("get orders by alternative order ID", "order/alternate/{alternative}");
pub(super) static LIST_REISSUES: Endpoint = get("list reissues", "order/certificate/{order}/reissue");
pub(super) static LIST_DUPLICATES: Endpoint = get("list duplicates", "order/certificate/{order}/duplicate");
pub(super) static REQUEST_INFO: Endpoint = get("request info", "request/{request}");

pub(super) static VALIDATION_STATUS: Endpoint = get("order validation status", "order/certificate/{order}/validation");
pub(super) static RANDOM_VALUE: Endpoint =
    dcv("get order DCV random value", "order/certificate/{order}/dcv-random-value");
pub(super) static CHANGE_DCV_METHOD: Endpoint = dcv("change order DCV method", "order/certificate/{order}/dcv-method");
pub(super) static CHECK_DCV: Endpoint = dcv("check order DCV", "order/certificate/{order}/check-dcv");
pub(super) static DOMAIN_EMAILS: Endpoint = get("domain emails", "domain/{domain}/dcv/emails");
pub(super) static RESEND_EMAILS: Endpoint = dcv("resend order DCV emails", "order/certificate/{order}/resend-emails");

pub(super) static DOWNLOAD_CERTIFICATE: Endpoint =
    get("download certificate", "certificate/{certificate}/download/format/pem_all");
pub(super) static REVOKE_CERTIFICATE: Endpoint =
    endpoint("revoke certificate", Method::PUT, "certificate/{certificate}/revoke", Kind::Revoke);
pub(super) static REVOKE_ORDER: Endpoint =
    endpoint("revoke order certificates", Method::PUT, "order/certificate/{order}/revoke", Kind::Revoke);
pub(super) static UPDATE_ORDER_STATUS: Endpoint =
    endpoint("update order status", Method::PUT, "order/certificate/{order}/status", Kind::Cancel);
pub(super) static UPDATE_REQUEST_STATUS: Endpoint =
    endpoint("update request status", Method::PUT, "request/{request}/status", Kind::Cancel);
