//! What stands in a zone record: the form it is stored in, and what is served of it.

use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_proto::rr::{
    Name, RData, Record as Served, RecordType,
    rdata::{A, AAAA, CNAME, MX, NS, PTR, SRV, TXT},
};

use super::errors::ApiError;
use crate::state::dnsimple::Record;

/// The types of the vendor's description.
const TYPES: [&str; 19] = [
    "A", "AAAA", "ALIAS", "CAA", "CNAME", "DNSKEY", "DS", "HINFO", "MX", "NAPTR", "NS", "POOL", "PTR", "SPF", "SRV",
    "SSHFP", "TXT", "URL", "TLSA",
];
/// Characters, after quoting.
const LONGEST_TEXT: usize = 1000;

pub fn record_type(given: Option<String>) -> Result<String, ApiError> {
    let given =
        given.filter(|given| !given.is_empty()).ok_or_else(|| ApiError::invalid("record_type", "can't be blank"))?;
    let upper = given.to_uppercase();
    if TYPES.contains(&&*upper) { Ok(upper) } else { Err(ApiError::invalid("record_type", "unsupported")) }
}

/// As it is stored and given back.
pub fn stored(record_type: &str, given: &str) -> Result<String, ApiError> {
    if given.is_empty() {
        return Err(ApiError::invalid("content", "can't be blank"));
    }
    let (content, fits) = match record_type {
        "A" => (given.to_owned(), given.parse::<Ipv4Addr>().is_ok()),
        "AAAA" => (given.to_owned(), given.parse::<Ipv6Addr>().is_ok()),
        "CNAME" | "NS" | "MX" | "PTR" | "ALIAS" => {
            let host = given.trim_end_matches('.');
            (host.to_owned(), fqdn(host).is_some())
        }
        "TXT" => (quoted(given), true),
        _ => (given.to_owned(), true),
    };
    if content.chars().count() > LONGEST_TEXT {
        return Err(ApiError::invalid("content", "is too long (maximum is 1000 characters)"));
    }
    if fits { Ok(content) } else { Err(ApiError::invalid("content", "is invalid")) }
}

/// Text that comes in quotes stays as it is; other text is quoted, in strings of 255 octets (*TXT record format*).
fn quoted(given: &str) -> String {
    if given.len() > 1 && given.starts_with('"') && given.ends_with('"') {
        return given.to_owned();
    }
    let mut strings = vec![String::new()];
    for character in given.chars() {
        if strings.last().is_some_and(|string| string.len() + character.len_utf8() > 255) {
            strings.push(String::new());
        }
        strings.last_mut().into_iter().for_each(|string| string.push(character));
    }
    let quote = |string: &String| format!("\"{}\"", string.replace('\\', "\\\\").replace('"', "\\\""));
    strings.iter().map(quote).collect::<Vec<_>>().join(" ")
}

/// The strings inside the quotes.
fn strings(content: &str) -> Vec<String> {
    let (mut strings, mut inside) = (Vec::new(), None::<String>);
    let mut characters = content.chars();
    while let Some(character) = characters.next() {
        match (character, &mut inside) {
            ('"', None) => inside = Some(String::new()),
            ('"', Some(_)) => strings.extend(inside.take()),
            ('\\', Some(string)) => string.extend(characters.next()),
            (_, Some(string)) => string.push(character),
            (_, None) => {}
        }
    }
    strings
}

/// Of a name in a zone. None: it is no name.
pub fn owner(name: &str, zone: &str) -> Option<Name> {
    if name.is_empty() { fqdn(zone) } else { fqdn(&format!("{name}.{zone}")) }
}

pub fn fqdn(name: &str) -> Option<Name> {
    let mut name = Name::from_ascii(name).ok().filter(|name| !name.is_root())?;
    name.set_fqdn(true);
    Some(name)
}

/// None for what only DNSimple's own servers know, such as ALIAS and URL.
pub fn served(record: &Record, zone: &str) -> Option<Served> {
    let priority = record.priority.unwrap_or_default();
    let text = record.content.as_str();
    let data = match record.record_type.as_str() {
        "A" => RData::A(A(text.parse().ok()?)),
        "AAAA" => RData::AAAA(AAAA(text.parse().ok()?)),
        "CNAME" => RData::CNAME(CNAME(fqdn(text)?)),
        "NS" => RData::NS(NS(fqdn(text)?)),
        "PTR" => RData::PTR(PTR(fqdn(text)?)),
        "MX" => RData::MX(MX::new(priority, fqdn(text)?)),
        "TXT" => RData::TXT(TXT::new(strings(text))),
        "SRV" => {
            let mut parts = text.split_whitespace();
            let mut number = || parts.next()?.parse().ok();
            RData::SRV(SRV::new(priority, number()?, number()?, fqdn(parts.next()?)?))
        }
        "CAA" => RData::try_from_str(RecordType::CAA, text).ok()?,
        _ => return None,
    };
    Some(Served::from_rdata(owner(&record.name, zone)?, record.ttl, data))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn text_is_quoted_once() {
        for (given, kept, said) in [
            ("plain", "\"plain\"", vec!["plain"]),
            ("\"quoted\"", "\"quoted\"", vec!["quoted"]),
            ("a \"b\" \\c", r#""a \"b\" \\c""#, vec!["a \"b\" \\c"]),
            (r#""one" "two""#, r#""one" "two""#, vec!["one", "two"]),
        ] {
            let content = stored("TXT", given).unwrap();
            assert_eq!((content.as_str(), strings(&content)), (kept, said.into_iter().map(str::to_owned).collect()));
        }
        let long = stored("TXT", &"x".repeat(300)).unwrap();
        assert_eq!(strings(&long).iter().map(String::len).collect::<Vec<_>>(), [255, 45]);
        assert!(stored("TXT", &"x".repeat(1000)).is_err());
    }

    #[test]
    fn contents_fit_their_type() {
        assert!(stored("A", "::1").is_err());
        assert!(stored("A", "").is_err());
        assert_eq!(stored("CNAME", "a.example.com.").unwrap(), "a.example.com");
        assert!(record_type(Some("BOGUS".into())).is_err());
    }
}
