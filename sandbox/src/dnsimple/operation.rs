//! What a request asks for, in one word: what faults are aimed at.

use axum::http::Method;
use serde_json::Value;

use super::PATH;

/// None for a path outside this API.
pub fn operation(method: &Method, path: &str) -> Option<&'static str> {
    let path = path.strip_prefix(PATH).filter(|rest| rest.starts_with('/'))?;
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let parts = parts.get(1..).unwrap_or_default();
    let operation = match (method.as_str(), parts) {
        ("POST", ["domains", _, "certificates", "letsencrypt"]) => "order",
        ("POST", ["domains", _, "certificates", "letsencrypt", _, "issue"]) => "issue",
        ("POST", ["domains", _, "certificates", "letsencrypt", _, "renewals"]) => "renew",
        ("POST", ["domains", _, "certificates", "letsencrypt", _, "renewals", _, "issue"]) => "issueRenewal",
        ("GET", ["domains", _, "certificates"]) => "certificateList",
        ("GET", ["domains", _, "certificates", _]) => "certificate",
        ("GET", ["domains", _, "certificates", _, "download"]) => "download",
        ("GET", ["domains", _, "certificates", _, "private_key"]) => "privateKey",
        ("GET", ["zones", _, "records"]) => "recordList",
        ("GET", ["zones", _, "records", _]) => "record",
        ("POST", ["zones", _, "records"]) => "recordCreate",
        ("PATCH", ["zones", _, "records", _]) => "recordUpdate",
        ("DELETE", ["zones", _, "records", _]) => "recordDelete",
        ("POST", ["zones", _, "batch"]) => "recordBatch",
        ("GET", ["zones", .., "distribution"]) => "distribution",
        ("GET", ["zones", ..]) => "zone",
        ("GET", ["domains", ..]) => "domain",
        (_, ["webhooks", ..]) => "webhook",
        _ if path == "/whoami" => "whoami",
        _ => "other",
    };
    Some(operation)
}

/// What a purchase asks a certificate for.
pub fn common_name(path: &str, body: &[u8]) -> Option<String> {
    let mut parts = path.strip_prefix(PATH)?.split('/').skip(2);
    let domain = (parts.next() == Some("domains")).then(|| parts.next())??;
    let body: Value = serde_json::from_slice(body).ok()?;
    match body["name"].as_str() {
        Some("") => Some(domain.to_owned()),
        name => Some(format!("{}.{domain}", name.unwrap_or("www"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let word = |method: Method, path: &str| operation(&method, path);
        let certificates = "/v2/1/domains/example.com/certificates";
        assert_eq!(word(Method::POST, &format!("{certificates}/letsencrypt")), Some("order"));
        assert_eq!(word(Method::POST, &format!("{certificates}/letsencrypt/5/renewals/6/issue")), Some("issueRenewal"));
        assert_eq!(word(Method::GET, &format!("{certificates}/5/private_key")), Some("privateKey"));
        assert_eq!(word(Method::GET, "/v2/1/zones/example.com/records/5/distribution"), Some("distribution"));
        assert_eq!(word(Method::GET, "/v2/whoami"), Some("whoami"));
        assert_eq!(word(Method::GET, "/services/v2/user/me"), None);
    }

    #[test]
    fn a_purchase_is_for_its_name_in_the_domain() {
        let path = "/v2/1/domains/example.com/certificates/letsencrypt";
        let name = |body: &str| common_name(path, body.as_bytes());
        assert_eq!(name("{}").as_deref(), Some("www.example.com"));
        assert_eq!(name(r#"{"name": "api"}"#).as_deref(), Some("api.example.com"));
        assert_eq!(name(r#"{"name": ""}"#).as_deref(), Some("example.com"));
        assert_eq!(common_name("/v2/1/zones/example.com/records", b"{}"), None);
    }
}
