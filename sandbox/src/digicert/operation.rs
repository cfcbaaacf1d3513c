//! What a request asks for, in one word: what faults are aimed at.

use axum::http::Method;
use serde_json::Value;

/// None for a path outside this API.
pub fn operation(method: &Method, path: &str, body: &[u8]) -> Option<&'static str> {
    let path = path.strip_prefix(super::PATH)?;
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let operation = match (method.as_str(), parts.as_slice()) {
        ("POST", ["order", "certificate", _]) if renews(body) => "renew",
        ("POST", ["order", "certificate", _]) => "order",
        ("POST", ["order", "certificate", _, "reissue"]) => "reissue",
        ("POST", ["order", "certificate", _, "duplicate"]) => "duplicate",
        ("PUT", ["order", "certificate", _, "status"]) => "cancel",
        ("PUT", [.., "revoke"]) => "revoke",
        ("PUT", [.., "check-dcv" | "validate-token"]) => "checkDcv",
        ("PUT", [.., "dcv-random-value"]) => "randomValue",
        ("PUT", ["request", _, "status"]) => "requestStatus",
        ("GET", ["order", "certificate"]) => "orderList",
        ("GET", ["order", "certificate", "status-changes"]) => "statusChanges",
        ("GET", ["order", "certificate", _]) => "orderInfo",
        ("GET", ["order", "certificate", _, "reissue"]) => "reissueList",
        ("GET", ["order", "certificate", _, "duplicate"]) => "duplicateList",
        ("GET", ["order", "certificate", _, "validation"]) => "validation",
        ("GET", ["order", "alternate", _]) => "alternate",
        ("GET", ["certificate", "download", ..] | ["certificate", _, "download", ..]) => "download",
        ("GET", ["certificate", _, "chain"]) => "chain",
        ("GET", ["user", "me"]) => "me",
        ("GET", ["account"]) => "account",
        _ => "other",
    };
    Some(operation)
}

/// What a submission asks a certificate for.
pub fn common_name(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    body["certificate"]["common_name"].as_str().map(str::to_owned)
}

fn renews(body: &[u8]) -> bool {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    match &body["renewal_of_order_id"] {
        Value::Null => false,
        Value::String(text) => !text.is_empty() && text != "0",
        other => other.as_i64() != Some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let word = |method: Method, path: &str, body: &str| {
            operation(&method, &format!("/services/v2{path}"), body.as_bytes())
        };
        assert_eq!(word(Method::POST, "/order/certificate/ssl_basic", "{}"), Some("order"));
        let renewal = r#"{"renewal_of_order_id": 5}"#;
        assert_eq!(word(Method::POST, "/order/certificate/ssl_basic", renewal), Some("renew"));
        assert_eq!(word(Method::POST, "/order/certificate/5/reissue", ""), Some("reissue"));
        assert_eq!(word(Method::GET, "/certificate/5/download/format/pem_all", ""), Some("download"));
        assert_eq!(word(Method::GET, "/certificate/download/order/5/format/x", ""), Some("download"));
        assert_eq!(operation(&Method::GET, "/_sandbox/clock", b""), None);
    }
}
