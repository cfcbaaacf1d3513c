//! A name server as people write it.

use std::{fmt, io, net::SocketAddr, str::FromStr};

/// `host:port` or `host` (port 53); an IPv6 address with a port is in brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameServer {
    host: String,
    port: u16,
}

impl NameServer {
    /// A name or an address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Every address of the host. An IP address is resolved without asking anybody.
    pub async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((self.host.as_str(), self.port)).await?.collect())
    }
}

impl FromStr for NameServer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bracketed = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (host, rest) = match bracketed {
            Some(split) => split,
            None if text.matches(':').count() > 1 => (text, ""),
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let port = match rest.strip_prefix(':') {
            Some(port) => port.parse().ok(),
            None => rest.is_empty().then_some(53),
        };
        match port {
            Some(port) if !host.is_empty() && !host.contains(['[', ']']) => Ok(Self { host: host.to_owned(), port }),
            _ => Err(format!("`{text}` is no name server: host, host:port or [address]:port")),
        }
    }
}

impl fmt::Display for NameServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_port_is_53_unless_given() {
        for (text, shown) in [
            ("ns.example.com", "ns.example.com:53"),
            ("ns.example.com:5353", "ns.example.com:5353"),
            ("192.0.2.1", "192.0.2.1:53"),
            ("2001:db8::1", "[2001:db8::1]:53"),
            ("[2001:db8::1]", "[2001:db8::1]:53"),
            ("[2001:db8::1]:54", "[2001:db8::1]:54"),
        ] {
            assert_eq!(text.parse::<NameServer>().unwrap().to_string(), shown);
        }
        for text in ["", ":53", "ns:", "ns:65536", "[::1]53", "[::1"] {
            assert!(text.parse::<NameServer>().is_err(), "{text}");
        }
    }
}
