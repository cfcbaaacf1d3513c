//! What a request asks for, in one word: what faults are aimed at.

use axum::http::Method;
use serde_json::Value;

use super::{PATHS, TOKEN_PATH};
use crate::csr;

/// None for a path outside this API.
pub fn operation(method: &Method, path: &str) -> Option<&'static str> {
    if path == TOKEN_PATH {
        return Some("token");
    }
    let path = PATHS.iter().find_map(|prefix| path.strip_prefix(prefix))?;
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let operation = match (method.as_str(), parts.as_slice()) {
        ("POST", ["ssl", _, "enroll"]) => "enroll",
        ("POST", ["ssl", _, "enroll-keygen"]) => "enrollKeygen",
        ("POST", ["ssl", _, "renewById", _]) => "renew",
        ("POST", ["ssl", _, "renew", "manual", _]) => "markRenewed",
        ("POST", ["ssl", _, "renew", _]) => "renew",
        ("POST", ["ssl", _, "replace", _]) => "replace",
        ("POST", ["ssl", _, "revoke", "manual"]) => "markRevoked",
        ("POST", ["ssl", _, "revoke", ..]) => "revoke",
        ("POST", ["ssl", _, "approve", _]) => "approve",
        ("POST", ["ssl", _, "decline", _]) => "decline",
        ("POST", ["ssl", _, "import"]) => "import",
        ("GET", ["ssl", _, "collect", ..]) => "collect",
        ("GET", ["ssl", _, "types"]) => "profiles",
        ("GET", ["ssl", _, "customFields"]) => "customFields",
        (_, ["ssl", _, "keystore", ..]) => "keystore",
        ("POST", ["ssl", _, _, "dcv", "recheck"]) => "recheckDcv",
        ("GET", ["ssl", _, _, "dcv"]) => "certificateDcv",
        (_, ["ssl", _, _, "location", ..]) => "location",
        ("PUT", ["ssl", _]) => "update",
        ("GET" | "HEAD", ["ssl", _]) => "list",
        ("GET", ["ssl", _, _]) => "details",
        ("DELETE", ["ssl", _, _]) => "delete",
        ("POST", ["report", ..]) => "report",
        (_, ["dcv", _, "validation", "status" | "sync"]) => "domainStatus",
        (_, ["dcv", ..]) => "domainValidation",
        (_, ["domain", ..]) => "domain",
        (_, ["organization", ..]) => "organization",
        _ => "other",
    };
    Some(operation)
}

/// What a submission asks a certificate for: of an enrolment, the name in its CSR.
pub fn common_name(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let given = body["commonName"].as_str().map(str::to_owned);
    let in_csr = || csr::parse(body["csr"].as_str()?).ok()?.common_name;
    let first = || body["subjAltNames"].as_str()?.split(',').next().map(|name| name.trim().to_owned());
    given.or_else(in_csr).or_else(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let word = |method: Method, path: &str| operation(&method, path);
        assert_eq!(word(Method::POST, "/api/ssl/v1/enroll"), Some("enroll"));
        assert_eq!(word(Method::POST, "/private/api/ssl/v2/renewById/5"), Some("renew"));
        assert_eq!(word(Method::POST, "/api/ssl/v1/revoke/serial/AB:CD"), Some("revoke"));
        assert_eq!(word(Method::POST, "/api/ssl/v1/revoke/manual"), Some("markRevoked"));
        assert_eq!(word(Method::HEAD, "/api/ssl/v1"), Some("list"));
        assert_eq!(word(Method::GET, "/api/ssl/v1/7"), Some("details"));
        assert_eq!(word(Method::GET, "/api/ssl/v1/collect/7/x509"), Some("collect"));
        assert_eq!(word(Method::POST, TOKEN_PATH), Some("token"));
        assert_eq!(word(Method::GET, "/services/v2/user/me"), None);
    }
}
