//! What is sent with an order or a reissue. Every name is sent: CertCentral reads none from the CSR, and a reissue
//! that leaves names out makes it revoke the certificates that have them.

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::endpoints::{Endpoint, ORDER_CERTIFICATE, REISSUE_CERTIFICATE};
use crate::provider::{CallError, DcvMethod, Operation, Request, Validity};

/// CertCentral Services API, *Order certificate* pages, and *Reissue certificate*.
pub(super) fn submission(request: &Request) -> Result<(&'static Endpoint, &str, Value), CallError> {
    let renewed = match &request.operation {
        Operation::Reissue { order_id } => return Ok((&REISSUE_CERTIFICATE, order_id, reissue(request))),
        Operation::Order => None,
        Operation::Renew { order_id } => {
            Some(order_id.parse::<u64>().map_err(|_| super::errors::bad_id(ORDER_CERTIFICATE.name))?)
        }
    };
    Ok((&ORDER_CERTIFICATE, &request.product, order(request, renewed)))
}

fn order(request: &Request, renewed: Option<u64>) -> Value {
    let mut body = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.into(), value);
        }
    };
    set("certificate", Some(certificate(request, iso_date)));
    set("order_validity", request.order_validity.map(|validity| validity_of(validity, iso_date)));
    set("organization", request.organization_id.map(|id| json!({ "id": id })));
    set("container", request.container_id.map(|id| json!({ "id": id })));
    set("dcv_method", Some(dcv_method(request.dcv_method).into()));
    set("payment_method", request.payment_method.clone().map(Value::from));
    set("skip_approval", Some(request.skip_approval.into()));
    set("renewal_of_order_id", renewed.map(Value::from));
    set("alternative_order_id", Some(request.idempotency_key.clone().into()));
    set("disable_renewal_notifications", Some(request.disable_renewal_notifications.into()));
    // CertCentral would buy the next order by itself.
    set("auto_renew", Some(0.into()));
    Value::Object(body)
}

fn reissue(request: &Request) -> Value {
    json!({
        "certificate": certificate(request, |date| date.strftime("%d %^b %Y").to_string()),
        "dcv_method": dcv_method(request.dcv_method),
        "skip_approval": request.skip_approval,
    })
}

fn certificate(request: &Request, date: fn(Date) -> String) -> Value {
    let mut certificate = json!({
        "common_name": request.common_name,
        "dns_names": request.dns_names,
        "csr": request.csr,
        "signature_hash": request.signature_hash,
    });
    if let Some(validity) = request.validity {
        certificate["cert_validity"] = validity_of(validity, date);
    }
    certificate
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
    }
}
