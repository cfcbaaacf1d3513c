//! What each call answers, by the vendor's examples and description: status, and an example of `data` or of an error,
//! where `?` marks what may be null.

use serde_json::Value;

use super::Exchange;

/// An empty shape: no JSON at all.
const ANSWERS: &[(&str, u16, &str)] = &[
    ("whoami-success-account", 200, WHO),
    ("whoami-success-user", 200, WHO),
    ("listAccounts-success-account", 200, ACCOUNTS),
    ("listDomains-success", 200, DOMAINS),
    ("getDomain-success", 200, DOMAIN),
    ("purchaseLetsencryptCertificate-success", 201, PURCHASE),
    ("issueLetsencryptCertificate-success", 202, CERTIFICATE),
    ("purchaseRenewalLetsencryptCertificate-success", 201, RENEWAL),
    ("issueRenewalLetsencryptCertificate-success", 202, CERTIFICATE),
    ("getCertificate-success", 200, CERTIFICATE),
    ("listCertificates-success", 200, CERTIFICATES),
    ("downloadCertificate-success", 200, r#"{"data": {"server": "", "root?": "", "chain": [""]}}"#),
    ("getCertificatePrivateKey-success", 200, r#"{"data": {"private_key": ""}}"#),
    ("listZones-success", 200, ZONES),
    ("getZone-success", 200, ZONE),
    ("createZoneRecord-created-apex", 201, RECORD),
    ("createZoneRecord-created", 201, RECORD),
    ("listZoneRecords-success", 200, RECORDS),
    ("getZoneRecord-success", 200, RECORD),
    ("updateZoneRecord-success", 200, RECORD),
    ("deleteZoneRecord-success", 204, ""),
    ("checkZoneRecordDistribution-success", 200, DISTRIBUTED),
    ("checkZoneRecordDistribution-failure", 200, DISTRIBUTED),
    ("checkZoneRecordDistribution-error", 504, ERROR),
    ("checkZoneDistribution-success", 200, DISTRIBUTED),
    ("batchChangeZoneRecords-success", 200, BATCH),
    (
        "batchChangeZoneRecords-error_400_create_validation_failed",
        400,
        r#"{"message": "", "errors": {"creates": [{"index": 1, "message": "", "errors": {"record_type": [""]}}]}}"#,
    ),
    (
        "batchChangeZoneRecords-error_400_update_validation_failed",
        400,
        r#"{"message": "", "errors": {"updates": [{"index": 1, "message": ""}]}}"#,
    ),
    (
        "batchChangeZoneRecords-error_400_delete_validation_failed",
        400,
        r#"{"message": "", "errors": {"deletes": [{"index": 1, "message": ""}]}}"#,
    ),
    ("createWebhook-created", 201, r#"{"data": {"id": 1, "url": "", "suppressed_at?": ""}}"#),
    ("listWebhooks-success", 200, r#"{"data": [{"id": 1, "url": "", "suppressed_at?": ""}]}"#),
    ("getWebhook-success", 200, r#"{"data": {"id": 1, "url": "", "suppressed_at?": ""}}"#),
    ("deleteWebhook-success", 204, ""),
    ("validation-error", 400, r#"{"message": "", "errors": {"base": [""]}}"#),
    ("notfound-domain", 404, ERROR),
    ("notfound-certificate", 404, ERROR),
    ("notfound-zone", 404, ERROR),
    ("notfound-record", 404, ERROR),
    ("notfound-webhook", 404, ERROR),
    ("method-not-allowed", 405, ""),
    ("badgateway", 502, ""),
];

const ERROR: &str = r#"{"message": ""}"#;
const DISTRIBUTED: &str = r#"{"data": {"distributed": true}}"#;
const WHO: &str = r#"{"data": {"user?": {"id": 1, "email": "", "created_at": "", "updated_at": ""},
    "account?": {"id": 1, "email": "", "name": "", "plan_identifier": "", "created_at": "", "updated_at": ""}}}"#;
const ACCOUNTS: &str = r#"{"data": [
    {"id": 1, "email": "", "name": "", "plan_identifier": "", "created_at": "", "updated_at": ""}]}"#;
const DOMAIN: &str = r#"{"data": {"id": 1, "account_id": 1, "registrant_id?": 1, "name": "", "unicode_name": "", "state": "",
    "auto_renew": true, "private_whois": true, "trustee": true, "expires_on?": "", "expires_at?": "", "created_at": "",
    "updated_at": ""}}"#;
const DOMAINS: &str = r#"{"data": [{"id": 1, "account_id": 1, "registrant_id?": 1, "name": "", "unicode_name": "",
    "state": "", "auto_renew": true, "private_whois": true, "trustee": true, "expires_on?": "", "expires_at?": "",
    "created_at": "", "updated_at": ""}],
    "pagination": {"current_page": 1, "per_page": 1, "total_entries": 1, "total_pages": 1}}"#;
const PURCHASE: &str = r#"{"data": {"id": 1, "certificate_id": 1, "state": "", "auto_renew": true, "created_at": "",
    "updated_at": ""}}"#;
const RENEWAL: &str = r#"{"data": {"id": 1, "old_certificate_id": 1, "new_certificate_id": 1, "state": "",
    "auto_renew": true, "created_at": "", "updated_at": ""}}"#;
const CERTIFICATE: &str = r#"{"data": {"id": 1, "domain_id": 1, "name": "", "common_name": "", "years": 1, "csr?": "",
    "state": "", "auto_renew": true, "alternate_names": [""], "authority_identifier": "", "created_at": "",
    "updated_at": "", "expires_at?": "", "expires_on?": ""}}"#;
const CERTIFICATES: &str = r#"{"data": [{"id": 1, "domain_id": 1, "name": "", "common_name": "", "years": 1, "csr?": "",
    "state": "", "auto_renew": true, "alternate_names": [""], "authority_identifier": "", "created_at": "",
    "updated_at": "", "expires_at?": "", "expires_on?": ""}],
    "pagination": {"current_page": 1, "per_page": 1, "total_entries": 1, "total_pages": 1}}"#;
const ZONE: &str = r#"{"data": {"id": 1, "account_id": 1, "name": "", "reverse": true, "secondary": true,
    "last_transferred_at?": "", "active": true, "created_at": "", "updated_at": ""}}"#;
const ZONES: &str = r#"{"data": [{"id": 1, "account_id": 1, "name": "", "reverse": true, "secondary": true,
    "last_transferred_at?": "", "active": true, "created_at": "", "updated_at": ""}],
    "pagination": {"current_page": 1, "per_page": 1, "total_entries": 1, "total_pages": 1}}"#;
const RECORD: &str = r#"{"data": {"id": 1, "zone_id": "", "parent_id?": 1, "name": "", "content": "", "ttl": 1,
    "priority?": 1, "type": "", "regions": [""], "system_record": true, "created_at": "", "updated_at": ""}}"#;
const RECORDS: &str = r#"{"data": [{"id": 1, "zone_id": "", "parent_id?": 1, "name": "", "content": "", "ttl": 1,
    "priority?": 1, "type": "", "regions": [""], "system_record": true, "created_at": "", "updated_at": ""}],
    "pagination": {"current_page": 1, "per_page": 1, "total_entries": 1, "total_pages": 1}}"#;
const BATCH: &str = r#"{"data": {
    "creates": [{"id": 1, "zone_id": "", "parent_id?": 1, "name": "", "content": "", "ttl": 1, "priority?": 1, "type": "",
        "regions": [""], "system_record": true, "created_at": "", "updated_at": ""}],
    "updates": [{"id": 1, "zone_id": "", "parent_id?": 1, "name": "", "content": "", "ttl": 1, "priority?": 1, "type": "",
        "regions": [""], "system_record": true, "created_at": "", "updated_at": ""}],
    "deletes": [{"id": 1}]}}"#;

pub fn untried(exchanges: &[Exchange]) -> Vec<String> {
    let tried = |name: &str| exchanges.iter().any(|exchange| exchange.name == name);
    let untried = ANSWERS.iter().filter(|(name, ..)| !tried(name));
    untried.map(|(name, ..)| format!("{name} was not tried")).collect()
}

/// What is wrong with an answer.
pub fn check(Exchange { name, answer }: &Exchange) -> Vec<String> {
    let Some((_, status, shape)) = ANSWERS.iter().find(|(known, ..)| known == name) else {
        return vec![format!("{name} is not in the table")];
    };
    if answer.status != *status {
        return vec![format!("{name}: {answer:?}")];
    }
    if shape.is_empty() {
        let json = answer.header("content-type").starts_with("application/json");
        return if json { vec![format!("{name}: {answer:?}")] } else { Vec::new() };
    }
    let mut wrong = Vec::new();
    fits(&answer.json(), &serde_json::from_str(shape).unwrap(), "", &mut wrong);
    wrong.iter().map(|why| format!("{name}: {why}")).collect()
}

fn fits(value: &Value, example: &Value, at: &str, wrong: &mut Vec<String>) {
    match (value, example) {
        (Value::String(_), Value::String(_)) | (Value::Bool(_), Value::Bool(_)) => {}
        (Value::Number(number), Value::Number(_)) if number.is_i64() => {}
        (Value::Array(rows), Value::Array(example)) => rows.iter().for_each(|row| fits(row, &example[0], at, wrong)),
        (Value::Object(fields), Value::Object(examples)) => {
            for (name, example) in examples {
                let plain = name.trim_end_matches('?');
                match fields.get(plain) {
                    Some(Value::Null) if name.ends_with('?') => {}
                    Some(value) => fits(value, example, &format!("{at}/{plain}"), wrong),
                    None => wrong.push(format!("{at}/{plain} is missing")),
                }
            }
            let known = |name: &String| examples.contains_key(name) || examples.contains_key(&format!("{name}?"));
            wrong.extend(fields.keys().filter(|name| !known(name)).map(|name| format!("{at}/{name} is unknown")));
        }
        _ => wrong.push(format!("{at} is {value}")),
    }
}
