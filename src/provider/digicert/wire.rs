//! CertCentral's answers, read leniently: numbers, strings and booleans stand for each other, `{}` for an empty list,
//! everything may be missing, and nothing that is unknown is an error.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Deserialize;
use serde_json::Value;

use crate::provider::lenient::{flag, id, lenient, list, number, text};

/// *Order info*.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Order {
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub status: Option<String>,
    #[serde(deserialize_with = "text")]
    pub date_created: Option<String>,
    #[serde(deserialize_with = "text")]
    pub order_valid_till: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub is_renewed: bool,
    #[serde(deserialize_with = "id")]
    pub renewed_order_id: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub has_pending_request: bool,
    #[serde(deserialize_with = "flag")]
    pub auto_renew: bool,
    #[serde(deserialize_with = "number")]
    pub duplicates_count: Option<u64>,
    #[serde(deserialize_with = "text")]
    pub alternative_order_id: Option<String>,
    #[serde(deserialize_with = "number")]
    pub reissues_count: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    pub product: Product,
    #[serde(deserialize_with = "lenient")]
    pub certificate: Certificate,
    #[serde(deserialize_with = "list")]
    pub requests: Vec<Approval>,
}

/// The primary certificate in *Order info*, a row of *List reissues* or *List duplicates*, a certificate in *List orders*.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Certificate {
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub status: Option<String>,
    #[serde(deserialize_with = "text")]
    pub serial_number: Option<String>,
    #[serde(deserialize_with = "text")]
    pub common_name: Option<String>,
    #[serde(deserialize_with = "list")]
    pub dns_names: Vec<String>,
    #[serde(deserialize_with = "text")]
    pub valid_till: Option<String>,
    #[serde(deserialize_with = "text")]
    pub csr: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Product {
    #[serde(deserialize_with = "text")]
    pub name_id: Option<String>,
}

/// A request for approval, in *Order info*, in answers to submissions, and in *Request info*.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Approval {
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub status: Option<String>,
    #[serde(deserialize_with = "text")]
    pub processor_comment: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub reviewer: Person,
    #[serde(deserialize_with = "lenient")]
    pub processor: Person,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Person {
    #[serde(deserialize_with = "text", alias = "firstname")]
    pub first_name: Option<String>,
    #[serde(deserialize_with = "text", alias = "lastname")]
    pub last_name: Option<String>,
}

/// *Order certificate*, *Reissue certificate* and *Duplicate certificate*, 201.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Placed {
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    #[serde(deserialize_with = "id")]
    pub certificate_id: Option<String>,
    #[serde(deserialize_with = "list")]
    pub requests: Vec<Approval>,
    /// When it was issued at once; leaf first, as other clients have met it.
    #[serde(deserialize_with = "list")]
    pub certificate_chain: Vec<Link>,
}

impl Placed {
    pub fn delivered(&self) -> Option<String> {
        let blocks = self.certificate_chain.iter().filter_map(|link| link.pem.as_ref());
        let pem: String = blocks.map(|pem| format!("{pem}\n")).collect();
        Some(pem).filter(|pem| !pem.is_empty() && self.certificate_id.is_some())
    }
}

/// One certificate of a chain.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Link {
    #[serde(deserialize_with = "text")]
    pub pem: Option<String>,
}

/// *List reissues* and *List duplicates*.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reissues {
    #[serde(deserialize_with = "list", alias = "reissues", alias = "duplicates")]
    pub certificates: Vec<Certificate>,
}

/// *Get orders by alternative order ID*.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AlternativeOrders {
    #[serde(deserialize_with = "list")]
    pub orders: Vec<AlternativeOrder>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AlternativeOrder {
    #[serde(deserialize_with = "id", alias = "id")]
    pub order_id: Option<String>,
}

/// *Status change list*. Nothing changed: an empty object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StatusChanges {
    #[serde(deserialize_with = "list")]
    pub orders: Vec<StatusChange>,
    #[serde(deserialize_with = "lenient")]
    pub page: Page,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StatusChange {
    #[serde(deserialize_with = "id", alias = "id")]
    pub order_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub status: Option<String>,
}

/// *List orders*.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Orders {
    #[serde(deserialize_with = "list")]
    pub orders: Vec<Order>,
    #[serde(deserialize_with = "lenient")]
    pub page: Page,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Page {
    #[serde(deserialize_with = "number")]
    pub total: Option<u64>,
}

/// *Order validation status*.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Validations {
    #[serde(deserialize_with = "text")]
    pub order_dcv_method: Option<String>,
    #[serde(deserialize_with = "list")]
    pub dns_name_validations: Vec<NameValidation>,
    #[serde(deserialize_with = "id")]
    pub organization_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub organization_name: Option<String>,
    #[serde(deserialize_with = "list")]
    pub organization_validations: Vec<OrganizationValidation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OrganizationValidation {
    #[serde(deserialize_with = "text", rename = "type")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub description: Option<String>,
    #[serde(deserialize_with = "text")]
    pub status: Option<String>,
    #[serde(deserialize_with = "text")]
    pub validated_until: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NameValidation {
    #[serde(deserialize_with = "id")]
    pub domain_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub name_scope: Option<String>,
    #[serde(deserialize_with = "text")]
    pub status: Option<String>,
    #[serde(deserialize_with = "list")]
    pub dns_names: Vec<String>,
}

/// *Domain emails*.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DomainEmails {
    #[serde(deserialize_with = "list")]
    pub base_emails: Vec<String>,
    #[serde(deserialize_with = "list")]
    pub whois_emails: Vec<String>,
    #[serde(deserialize_with = "list")]
    pub dns_txt_emails: Vec<String>,
}

/// *Get order DCV random value* and *Change order DCV method*.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RandomValue {
    #[serde(deserialize_with = "text")]
    pub dcv_random_value: Option<String>,
}

/// *User info*.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct User {
    #[serde(deserialize_with = "id")]
    pub account_id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub account: Named,
    #[serde(deserialize_with = "lenient")]
    pub container: Named,
    #[serde(deserialize_with = "list")]
    pub access_roles: Vec<Named>,
}

/// *Organization info*, *Account details*, and what is nested elsewhere.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Named {
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
}

/// *Errors*.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct VendorError {
    #[serde(deserialize_with = "lenient")]
    pub code: String,
    #[serde(deserialize_with = "lenient")]
    pub message: String,
}

impl VendorError {
    pub fn head(&self) -> &str {
        self.code.split(['|', ':']).next().unwrap_or_default().trim()
    }

    pub fn tail(&self) -> Option<&str> {
        self.code.split_once(['|', ':']).map(|(_, tail)| tail.trim())
    }

    pub fn text(&self) -> String {
        format!("{}: {}", self.code, self.message)
    }
}

/// The errors in a body of the documented shape; old answers hold one object where the array should be.
pub(super) fn vendor_errors(body: &[u8]) -> Vec<VendorError> {
    let errors = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(mut body)) => body.remove("errors").unwrap_or_default(),
        _ => Value::Null,
    };
    let errors = match errors {
        Value::Array(errors) => errors,
        one => vec![one],
    };
    let read = errors.into_iter().filter_map(|error| serde_json::from_value::<VendorError>(error).ok());
    read.filter(|error| !error.code.is_empty()).collect()
}

/// `yyyy-MM-dd`, or the date in front of a time.
pub(super) fn date(text: &str) -> Option<Date> {
    text.get(..10)?.parse().ok()
}

/// RFC 3339. A date or time without zone is read as UTC, which the documents say of other fields.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    let zoned = text.parse::<Timestamp>().ok();
    zoned.or_else(|| text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp()))
}
