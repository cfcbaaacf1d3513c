//! What a token may do: `resource:item:read` or `:write`, where `*` is every item (*Authorization*).

use axum::http::Method;

/// What a request needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    pub resource: &'static str,
    /// A domain's name or id, or `*` for a list.
    pub item: String,
    pub write: bool,
}

impl Scope {
    /// None: every token may. `path` begins with the account.
    pub fn of(method: &Method, path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (resource, item) = match parts.as_slice() {
            [_, "domains", domain, "certificates", ..] => ("certificates", *domain),
            [_, "domains", domain, ..] => ("domains", *domain),
            [_, "domains"] => ("domains", "*"),
            [_, "zones", zone, ..] => ("zones", *zone),
            [_, "zones"] => ("zones", "*"),
            // In no list of scopes: for tokens that may do everything.
            [_, "webhooks", ..] => ("webhooks", "*"),
            _ => return None,
        };
        let write = ![Method::GET, Method::HEAD].contains(method);
        Some(Self { resource, item: item.to_owned(), write })
    }

    /// A list is open to whoever may see anything of it, and shows that.
    pub fn is_in(&self, scopes: &[String]) -> bool {
        scopes.iter().any(|scope| {
            let mut parts = scope.split(':');
            let (resource, item, level) = (parts.next(), parts.next(), parts.next());
            resource == Some(self.resource)
                && (item == Some("*") || item == Some(&*self.item) || (self.item == "*" && !self.write))
                && (level == Some("write") || !self.write)
        })
    }

    pub fn name(&self) -> String {
        format!("{}:{}:{}", self.resource, self.item, if self.write { "write" } else { "read" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        let rows = [
            (Method::GET, "/1/zones", "zones:example.com:read", true),
            (Method::GET, "/1/zones/example.com/records", "zones:example.com:read", true),
            (Method::GET, "/1/zones/example.org/records", "zones:example.com:read", false),
            (Method::POST, "/1/zones/example.com/records", "zones:example.com:read", false),
            (Method::POST, "/1/zones/example.com/records", "zones:*:write", true),
            (Method::GET, "/1/domains/example.com/certificates", "domains:*:write", false),
            (Method::GET, "/1/domains/example.com/certificates", "certificates:*:write", true),
            (Method::POST, "/1/webhooks", "zones:*:write", false),
        ];
        for (method, path, scope, allowed) in rows {
            let needed = Scope::of(&method, path);
            let is_in = needed.is_some_and(|needed| needed.is_in(&[scope.to_owned()]));
            assert_eq!(is_in, allowed, "{method} {path} with {scope}");
        }
        assert_eq!(Scope::of(&Method::GET, "/whoami"), None);
    }
}
