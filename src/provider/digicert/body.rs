//! What is sent with an order, a reissue or a duplicate. Every name is sent: CertCentral reads none from the CSR, and a reissue
//! that leaves names out makes it revoke the certificates that have them.

use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::endpoints::{DUPLICATE_CERTIFICATE, Endpoint, ORDER_CERTIFICATE, REISSUE_CERTIFICATE};
use crate::provider::{CallError, Contact, ContactRole, DcvMethod, Operation, PaymentMethod, Request, Validity};

/// CertCentral Services API, *Order certificate* pages, *Reissue certificate* and *Duplicate certificate*.
pub(super) fn submission(request: &Request) -> Result<(&'static Endpoint, &str, Value), CallError> {
    let renewed = match &request.operation {
        Operation::Reissue { order_id } => return Ok((&REISSUE_CERTIFICATE, order_id, json!(reissue(request)))),
        Operation::Duplicate { order_id } => return Ok((&DUPLICATE_CERTIFICATE, order_id, json!(duplicate(request)))),
        Operation::Amend { .. } => {
            let message = "CertCentral has no call that changes a request".to_owned();
            return Err(CallError::Rejected { call: ORDER_CERTIFICATE.name, code: "not_offered".into(), message });
        }
        Operation::Order => None,
        Operation::Renew { order_id } => {
            Some(order_id.parse::<u64>().map_err(|_| super::errors::bad_id(ORDER_CERTIFICATE.name))?)
        }
    };
    Ok((&ORDER_CERTIFICATE, &request.product, json!(order(request, renewed))))
}

fn order(request: &Request, renewed: Option<u64>) -> Fields {
    let details = &request.details;
    let mut body = with_approval(request, iso_date);
    body.set("order_validity", request.order_validity.map(|validity| validity_of(validity, iso_date)));
    body.set("organization", organization(request));
    body.set("container", details.container_id.map(|id| json!({ "id": id })));
    body.set("payment_method", details.payment_method.map(payment_method));
    body.set("renewal_of_order_id", renewed);
    body.set("alternative_order_id", Some(&request.idempotency_key));
    body.set("disable_renewal_notifications", details.disable_renewal_notifications);
    body.set("custom_renewal_message", details.custom_renewal_message.as_ref());
    body.set("additional_emails", some(&details.additional_emails));
    body.set("locale", details.locale.as_ref());
    let field = |(id, value): &(u64, String)| json!({ "metadata_id": id, "value": value });
    body.set("custom_fields", some(&details.custom_fields.iter().map(field).collect::<Vec<_>>()));
    // CertCentral would buy the next order by itself.
    body.set("auto_renew", Some(0));
    body
}

fn reissue(request: &Request) -> Fields {
    with_approval(request, |date| date.strftime("%d %^b %Y").to_string())
}

/// *Duplicate certificate*: as a reissue, without what the original has settled.
fn duplicate(request: &Request) -> Fields {
    let mut body = with_approval(&Request { validity: None, ..request.clone() }, iso_date);
    body.0.remove("dcv_method");
    body
}

/// What every one of the endpoints takes.
fn with_approval(request: &Request, date: fn(Date) -> String) -> Fields {
    let details = &request.details;
    let mut certificate = Fields::default();
    certificate.set("common_name", Some(&request.common_name));
    certificate.set("dns_names", Some(&request.dns_names));
    certificate.set("csr", Some(&request.csr));
    certificate.set("signature_hash", Some(&request.signature_hash));
    certificate.set("cert_validity", request.validity.map(|validity| validity_of(validity, date)));
    certificate.set("server_platform", details.server_platform.map(|id| json!({ "id": id })));
    certificate.set("organization_units", some(&details.organization_units));
    certificate.set("ca_cert_id", details.ca_cert_id.as_ref());
    let mut body = Fields::default();
    body.set("certificate", Some(certificate));
    body.set("dcv_method", Some(dcv_method(request.dcv_method)));
    body.set("skip_approval", Some(request.skip_approval));
    body.set("comments", details.comments.as_ref());
    body
}

/// *Order Secure Site Pro SSL*: contacts belong to the organization, which is needed for them.
fn organization(request: &Request) -> Option<Fields> {
    let mut organization = Fields::default();
    organization.set("id", Some(request.organization_id?));
    let contacts: Vec<_> = request.details.contacts.iter().map(contact).collect();
    organization.set("contacts", some(&contacts));
    Some(organization)
}

fn contact(contact: &Contact) -> Fields {
    let mut fields = Fields::default();
    let role = match contact.role {
        ContactRole::Organization => "organization_contact",
        ContactRole::Technical => "technical_contact",
        ContactRole::Verified => "verified_contact",
    };
    fields.set("contact_type", Some(role));
    fields.set("user_id", contact.user_id);
    fields.set("first_name", contact.first_name.as_ref());
    fields.set("last_name", contact.last_name.as_ref());
    fields.set("email", contact.email.as_ref());
    fields.set("job_title", contact.job_title.as_ref());
    fields.set("telephone", contact.telephone.as_ref());
    fields
}

fn payment_method(method: PaymentMethod) -> &'static str {
    match method {
        PaymentMethod::Balance => "balance",
        PaymentMethod::Card => "card",
        PaymentMethod::Profile => "profile",
    }
}

/// An object, of what is there.
#[derive(Default, Serialize)]
struct Fields(Map<String, Value>);

impl Fields {
    fn set(&mut self, name: &str, value: Option<impl Serialize>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), json!(value));
        }
    }
}

fn some<T>(list: &[T]) -> Option<&[T]> {
    Some(list).filter(|list| !list.is_empty())
}

fn validity_of(validity: Validity, date: fn(Date) -> String) -> Value {
    match validity {
        Validity::Years(years) => json!({ "years": years }),
        Validity::Days(days) => json!({ "days": days }),
        Validity::Until(end) => json!({ "custom_expiration_date": date(end) }),
    }
}

fn iso_date(date: Date) -> String {
    date.to_string()
}

pub(super) fn dcv_method(method: DcvMethod) -> &'static str {
    match method {
        DcvMethod::DnsTxt => "dns-txt-token",
        DcvMethod::DnsCname => "dns-cname-token",
        DcvMethod::HttpToken => "http-token",
        DcvMethod::Email => "email",
    }
}
