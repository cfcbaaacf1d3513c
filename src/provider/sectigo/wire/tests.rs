#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;

#[test]
fn dates_are_read_in_every_form_that_was_met() {
    let day = Some(jiff::civil::date(2026, 5, 21));
    for (text, expected) in [
        ("05/21/2026", day),
        ("05/21/2026 13:05", day),
        ("2026-05-21", day),
        ("2026-05-21T12:34:24.073Z", day),
        ("2026-05-21 12:24:26", day),
        ("21/05/2026", None),
        ("21.05.2026", None),
        ("", None),
        ("May", None),
        ("2026-13-01", None),
        ("é2026-05-21", None),
    ] {
        assert_eq!(date(text), expected, "{text}");
    }
}

#[test]
fn a_status_is_one_word_however_it_is_written() {
    use Status::*;
    for (text, expected) in [
        ("Init", Init),
        ("Requested", Requested),
        ("Awaiting Approval", Requested),
        ("SA Approved", SaApproved),
        ("SAApproved", SaApproved),
        ("sa_approved", SaApproved),
        ("APPROVED", Approved),
        ("Applied", Applied),
        ("Issued", Issued),
        ("External", Issued),
        ("Downloaded", Issued),
        ("Replaced", Replaced),
        ("Expired", Expired),
        ("Revoked", Revoked),
        ("Declined", Declined),
        ("Rejected", Rejected),
        ("Invalid", Invalid),
        ("Unmanaged", Unknown),
        ("Enrolled - Pending Download", Unknown),
        ("", Unknown),
    ] {
        assert_eq!(Status::read(Some(text)), expected, "{text}");
    }
    assert_eq!(Status::read(None), Unknown);
}

/// Clients have met empty dates, null serial numbers, and numbers as text.
#[test]
fn details_may_be_written_in_many_ways() {
    let read = |value| serde_json::from_value::<Details>(value).unwrap();
    let empty = read(json!({ "id": "55", "approved": "", "serialNumber": null, "certType": null, "customFields": {} }));
    assert_eq!((empty.id(), &empty.approved, &empty.serial_number), (Some("55"), &None, &None));
    assert_eq!(read(json!({ "sslId": 55 })).id(), Some("55"));
    assert_eq!(read(json!({ "id": 55, "sslId": 54 })).id(), Some("55"));
    assert_eq!(read(json!({ "term": "199", "orgId": "42" })).term, Some(199));
    let codes = [json!(4), json!("4")].map(|code| read(json!({ "reasonCode": code })).reason_code);
    assert_eq!(codes, [Some("4".to_owned()), Some("4".to_owned())]);
    let keys = read(json!({ "certType": { "keyTypes": { "rsa": [2048, "3072"], "EC": "P-256" }, "terms": 199 } }));
    assert_eq!(keys.cert_type.key_types["rsa"], ["2048", "3072"]);
    assert_eq!(keys.cert_type.key_types["EC"], ["P-256"]);
    assert_eq!(keys.cert_type.terms, ["199"]);
    for (state, is) in [
        ("Scheduled", AutoRenewal::Scheduled),
        ("STARTED", AutoRenewal::Started),
        ("Not scheduled", AutoRenewal::Off),
        ("NOT_SCHEDULED", AutoRenewal::Off),
        ("Successful", AutoRenewal::Off),
        ("Failed", AutoRenewal::Off),
    ] {
        assert_eq!(read(json!({ "autoRenewDetails": { "state": state } })).auto_renew_details.read(), is, "{state}");
    }
}
