//! What each call answers, by the vendor's reference (*SSL Certificates*, *Domain control validation*, *Domains*,
//! *Organizations*, *Reports*): an example of the shape, where `?` marks what may be absent.

use serde_json::Value;

use super::Exchange;

/// Path with `*` for the version, method, status, shape. An empty shape: no JSON at all.
const ANSWERS: &[(&str, &str, u16, &str)] = &[
    (
        "/api/ssl/*",
        "GET",
        200,
        r#"[{"sslId": 1, "commonName?": "", "subjectAlternativeNames?": [""], "serialNumber?": ""}]"#,
    ),
    ("/api/ssl/*", "PUT", 200, DETAILS),
    ("/api/ssl/*/{sslId}", "GET", 200, DETAILS),
    ("/api/ssl/*/{sslId}", "GET", 404, ERROR),
    ("/api/ssl/*/{sslId}", "DELETE", 204, ""),
    ("/api/ssl/*/{sslId}", "DELETE", 404, ERROR),
    ("/api/ssl/*/types", "GET", 200, PROFILES),
    ("/api/ssl/*/customFields", "GET", 200, r#"[{"id": 1, "name": "", "mandatory": true}]"#),
    ("/api/ssl/*/enroll", "POST", 200, ENROLLED),
    ("/api/ssl/*/enroll-keygen", "POST", 200, ENROLLED),
    ("/api/ssl/v1/import", "POST", 200, r#"{"processedCount": 1, "errors": [""]}"#),
    ("/api/ssl/v2/import", "POST", 200, IMPORTED),
    ("/api/ssl/*/approve/{id}", "POST", 204, ""),
    ("/api/ssl/*/decline/{id}", "POST", 204, ""),
    ("/api/ssl/*/renewById/{sslId}", "POST", 200, r#"{"sslId": 1}"#),
    ("/api/ssl/*/renew/{renewId}", "POST", 204, ""),
    ("/api/ssl/*/renew/manual/{id}", "POST", 204, ""),
    ("/api/ssl/*/replace/{sslId}", "POST", 204, ""),
    ("/api/ssl/*/revoke/{id}", "POST", 204, ""),
    ("/api/ssl/*/revoke/serial/{serialNumber}", "POST", 204, ""),
    ("/api/ssl/*/revoke/manual", "POST", 204, ""),
    ("/api/ssl/*/collect/{sslId}", "GET", 200, ""),
    ("/api/ssl/*/collect/{sslId}", "GET", 400, ERROR),
    ("/api/ssl/*/collect/{sslId}", "GET", 404, ERROR),
    ("/api/ssl/*/keystore/{sslId}/{formatType}", "POST", 200, r#"{"link": ""}"#),
    ("/api/ssl/v1/{sslId}/dcv", "GET", 200, DCV),
    ("/api/ssl/v2/{sslId}/dcv", "GET", 200, DCV_LIST),
    ("/api/ssl/*/{sslId}/dcv", "GET", 404, ERROR),
    ("/api/ssl/*/{sslId}/dcv/recheck", "POST", 202, DCV),
    ("/api/ssl/*/{sslId}/dcv/recheck", "POST", 404, ERROR),
    ("/api/ssl/*/{sslId}/location", "GET", 200, LOCATIONS),
    ("/api/ssl/*/{sslId}/location", "GET", 404, ERROR),
    ("/api/ssl/*/{sslId}/location", "POST", 201, ""),
    ("/api/ssl/*/{sslId}/location/{locationId}", "GET", 200, LOCATION),
    ("/api/ssl/*/{sslId}/location/{locationId}", "GET", 404, ERROR),
    ("/api/ssl/*/{sslId}/location/{locationId}", "PUT", 200, ""),
    ("/api/ssl/*/{sslId}/location/{locationId}", "DELETE", 204, ""),
    ("/api/dcv/*/validation", "GET", 200, SEARCHED),
    ("/api/dcv/*/validation/status", "POST", 200, STATUS),
    ("/api/dcv/*/validation/status", "POST", 404, ERROR),
    ("/api/dcv/*/validation/sync", "POST", 200, STATUS),
    ("/api/dcv/*/validation/clear", "POST", 200, r#"{"status": "", "orderStatus": "", "message": ""}"#),
    ("/api/dcv/*/validation/delete", "POST", 200, ""),
    ("/api/dcv/*/validation/start/domain/cname", "POST", 200, r#"{"host": "", "point": ""}"#),
    ("/api/dcv/*/validation/start/domain/cname", "POST", 404, ERROR),
    ("/api/dcv/*/validation/start/domain/http", "POST", 200, FILE),
    ("/api/dcv/*/validation/start/domain/https", "POST", 200, FILE),
    ("/api/dcv/*/validation/start/domain/txt", "POST", 200, r#"{"message": ""}"#),
    ("/api/dcv/*/validation/start/domain/email", "POST", 200, MAILBOXES),
    ("/api/dcv/*/validation/submit/domain/cname", "POST", 200, SUBMITTED),
    ("/api/dcv/*/validation/submit/domain/cname", "POST", 404, ERROR),
    ("/api/dcv/*/validation/submit/domain/http", "POST", 200, SUBMITTED),
    ("/api/dcv/*/validation/submit/domain/https", "POST", 200, SUBMITTED),
    ("/api/dcv/*/validation/submit/domain/txt", "POST", 200, SUBMITTED_TXT),
    ("/api/dcv/*/validation/submit/domain/email", "POST", 200, SUBMITTED),
    ("/api/dcv/*/validation/submit-bulk/domain/email", "POST", 200, SUBMITTED_BULK),
    ("/api/domain/v1", "GET", 200, r#"[{"id": 1, "name": ""}]"#),
    ("/api/domain/v1", "POST", 201, ""),
    ("/api/domain/v1/{id}", "GET", 200, DOMAIN),
    ("/api/domain/v1/{id}", "GET", 404, ERROR),
    ("/api/domain/v1/{id}", "DELETE", 204, ""),
    ("/api/domain/v1/{id}", "DELETE", 404, ERROR),
    ("/api/domain/v1/{id}/delegation", "POST", 200, ""),
    ("/api/domain/v1/{id}/delegation", "DELETE", 200, ""),
    ("/api/domain/v1/{id}/delegation/approve", "POST", 200, ""),
    ("/api/domain/v1/{id}/delegation/reject", "POST", 200, ""),
    ("/api/organization/v1", "GET", 200, ORGANIZATIONS),
    ("/api/organization/v1", "POST", 201, ""),
    ("/api/organization/v1/{id}", "GET", 200, ORGANIZATION),
    ("/api/organization/v1/{id}", "GET", 404, ERROR),
    ("/api/organization/v1/{id}", "PUT", 200, ORGANIZATION),
    ("/api/organization/v1/{id}", "DELETE", 200, ""),
    ("/api/report/v1/ssl-certificates", "POST", 200, REPORT),
];

const ERROR: &str = r#"{"code": 1, "description": ""}"#;
const ENROLLED: &str = r#"{"sslId": 1, "renewId": ""}"#;
const PROFILES: &str = r#"[{"id": 1, "name": "", "description": "", "terms": [1], "keyTypes": {"RSA?": [""], "EC?": [""]},
    "useSecondaryOrgName": true}]"#;
const DETAILS: &str = r#"{
    "id": 1, "sslId": 1, "commonName": "", "orgId": 1, "status": "", "vendor": "", "validationType": "", "term": 1,
    "requester": "", "requesterId": 1, "requestedVia": "", "requested": "", "renewed": true, "keyAlgorithm": "",
    "keySize": 1, "keyType": "", "subjectAlternativeNames": [""], "suspendNotifications": true,
    "customFields": [{"name": "", "value": ""}],
    "certType": {"id": 1, "name": "", "description": "", "terms": [1], "keyTypes": {"RSA?": [""], "EC?": [""]},
        "useSecondaryOrgName": true},
    "autoInstallDetails": {"state": ""}, "autoRenewDetails": {"state": "", "daysBeforeExpiration?": 1},
    "certificateDetails?": {"issuer": "", "subject": "", "subjectAltNames?": "", "md5Hash": "", "sha1Hash": "",
        "sha256Hash?": ""},
    "orderNumber?": 1, "backendCertId?": "", "owner?": "", "ownerId?": 1, "externalRequester?": "", "comments?": "",
    "approved?": "", "issued?": "", "declined?": "", "expires?": "", "replaced?": "", "revoked?": "",
    "renewedDate?": "", "reasonCode?": null, "serialNumber?": "", "signatureAlg?": "", "keyUsages?": [""],
    "extendedKeyUsages?": [""]}"#;
const IMPORTED: &str = r#"[{"successful": true, "created?": true, "backendCertId?": "", "errorMessage?": "",
    "cert?": {"id": 1, "subject": "", "serialNumber": ""}}]"#;
const DCV: &str = r#"{"dcvLog": {"error": {"code": 1, "description": null}, "log": [{"dcvStatus": "", "domainName": "",
    "lastCheck": null, "nextCheck": null, "dcvDate": null, "dcvEmailRefNumber": null}]},
    "instructions?": [{"domainName": "", "dcvMode": "", "host?": "", "point?": "", "url?": "", "file?": "", "dcvEmail?": ""}]}"#;
const DCV_LIST: &str = r#"[{"dcvLog": {"error": {"code": 1, "description": null}, "log": [{"dcvStatus": "", "domainName": "",
    "lastCheck": null, "nextCheck": null, "dcvDate": null, "dcvEmailRefNumber": null}]},
    "instructions": [{"domainName": "", "dcvMode": "", "host?": "", "point?": "", "url?": "", "file?": "", "dcvEmail?": ""}]}]"#;
const LOCATION: &str = r#"{"id": 1, "locationType": "", "name": "", "details": {"cluster": "", "secret": ""}}"#;
const LOCATIONS: &str = r#"[{"id": 1, "locationType": "", "name": "", "details": {"cluster": "", "secret": ""}}]"#;
const SEARCHED: &str = r#"[{"domain": "", "dcvStatus": "", "dcvOrderStatus": "", "dcvMethod?": "", "dcvOrderMethod?": "",
    "expirationDate?": ""}]"#;
const STATUS: &str = r#"{"status": "", "orderStatus": "", "validationDate?": "", "expirationDate?": "", "orderMode?": "",
    "host?": "", "point?": "", "url?": "", "firstLine?": "", "secondLine?": "", "validationEmail?": "",
    "emailValidationReferenceNumber?": "", "orderBackendId?": "", "submittedDate?": "", "lastCheck?": "", "nextCheck?": ""}"#;
const FILE: &str = r#"{"url": "", "firstLine": "", "secondLine": ""}"#;
const MAILBOXES: &str = r#"{"emails": [""], "dcvEmails": [{"domainName": "", "whoisEmails": [""], "adminEmails": [""],
    "dnsTxtEmails": [""]}]}"#;
const SUBMITTED: &str = r#"{"status": "", "orderStatus": "", "message": "", "orderBackendId": "",
    "emailValidationReferenceNumber?": ""}"#;
const SUBMITTED_TXT: &str =
    r#"{"status": "", "orderStatus": "", "message": "", "orderBackendId": "", "host": "", "point": ""}"#;
const SUBMITTED_BULK: &str = r#"{"orderStatus": "", "message": "", "orderBackendId": ""}"#;
const DOMAIN: &str = r#"{"id": 1, "name": "", "state": "", "delegationStatus": "", "validationStatus?": "",
    "validationMethod?": "", "dcvValidation?": "", "dcvExpiration?": "",
    "ctLogMonitoring": {"enabled": true, "includeSubdomains": true},
    "delegations": [{"orgId": 1, "certTypes": [""], "domainCertificateRequestPrivileges": [""], "status": ""}]}"#;
const ORGANIZATIONS: &str = r#"[{"id": 1, "name": "", "departments": [{"id": 1, "name": "", "parentName": ""}]}]"#;
const ORGANIZATION: &str = r#"{"id": 1, "name": "", "certTypes": [""], "departments": [{"id": 1, "name": "", "parentName": ""}],
    "validationStatus": "", "parentId?": 1, "parentName?": "", "address1?": "", "city?": "", "stateOrProvince?": "",
    "postalCode?": "", "country?": "", "alias?": "", "sslCertsApiEnabled?": true, "clientCertsApiEnabled?": true,
    "clientCertificate?": {"allowKeyRecoveryByOrgAdmins?": true}}"#;
const REPORT: &str = r#"{"statusCode": 1, "reports": [{"id": 1, "commonName": "", "subjAltNames": "", "status": "", "orgId": 1,
    "organizationName": "", "city": "", "state": "", "country": "", "typeId": 1, "type": "", "term": 1, "requester": "",
    "requestedVia": "", "customFields": [{"name": "", "value": ""}], "requested": "", "publicKeyAlg": "",
    "publicKeySize": "", "publicKeyType": "", "orderNumber?": 1, "backendCertId?": "", "approver?": "",
    "externalRequester?": "", "comments?": "", "approved?": "", "declined?": "", "replaced?": "", "issued?": "",
    "expires?": "", "revoked?": "", "serialNumber?": "", "signatureAlg?": "", "issuer?": "", "md5?": "", "sha1?": ""}]}"#;

/// What is wrong with an answer.
pub fn check(exchange: &Exchange) -> Vec<String> {
    let any = exchange.path.replace("/v1", "/*").replace("/v2", "/*");
    let status = exchange.answer.status;
    let row = ANSWERS.iter().find(|(path, method, known, _)| {
        (*path == exchange.path || *path == any) && *method == exchange.method && *known == status
    });
    let Some((.., shape)) = row else {
        return vec![format!("{}: not expected: {:?}", exchange.name(), exchange.answer)];
    };
    let body = exchange.body();
    if shape.is_empty() {
        return if body.is_null() { Vec::new() } else { vec![format!("{}: {body}", exchange.name())] };
    }
    let mut wrong = Vec::new();
    fits(&body, &serde_json::from_str(shape).unwrap(), "", &mut wrong);
    wrong.iter().map(|why| format!("{}: {why} in {body}", exchange.name())).collect()
}

/// A null in the example stands for anything.
fn fits(value: &Value, example: &Value, at: &str, wrong: &mut Vec<String>) {
    match (value, example) {
        (_, Value::Null) | (Value::String(_), Value::String(_)) | (Value::Bool(_), Value::Bool(_)) => {}
        (Value::Number(number), Value::Number(_)) if number.is_i64() => {}
        (Value::Array(rows), Value::Array(example)) => rows.iter().for_each(|row| fits(row, &example[0], at, wrong)),
        (Value::Object(fields), Value::Object(examples)) => {
            for (name, example) in examples {
                let plain = name.trim_end_matches('?');
                match fields.get(plain) {
                    Some(value) => fits(value, example, &format!("{at}/{plain}"), wrong),
                    None if name.ends_with('?') => {}
                    None => wrong.push(format!("{at}/{plain} is missing")),
                }
            }
            let known = |name: &String| examples.contains_key(name) || examples.contains_key(&format!("{name}?"));
            wrong.extend(fields.keys().filter(|name| !known(name)).map(|name| format!("{at}/{name} is unknown")));
        }
        _ => wrong.push(format!("{at} is {value}")),
    }
}
