//! Records of zones at DNSimple, one by one through its API.

use async_trait::async_trait;

use super::{Kind, Observed, PublishError, Publisher, Record};
use crate::provider::CallError;
use crate::provider::dnsimple::{ALREADY_EXISTS, Account, NewRecord, RecordType, wire::ZoneRecord};

/// The zones of one account that its token may write.
pub struct DnSimple {
    account: Account,
}

/// A record where it belongs.
struct Place<'a> {
    zone: String,
    /// Below the zone; empty at its apex.
    label: String,
    record: &'a Record,
}

impl DnSimple {
    pub fn new(account: Account) -> Self {
        Self { account }
    }

    async fn place<'a>(&self, record: &'a Record) -> Result<Place<'a>, PublishError> {
        record.parse()?;
        let name = dotless(&record.name);
        let Some(zone) = self.account.zone_of(&name).await? else {
            return Err(PublishError::NotZone { server: format!("DNSimple's account {}", self.account.id()), name });
        };
        let label = name.strip_suffix(&zone).unwrap_or_default().trim_end_matches('.').to_owned();
        Ok(Place { zone, label, record })
    }

    /// The ids of the record: one, unless somebody has written it twice in different ways.
    async fn ours(&self, place: &Place<'_>) -> Result<Vec<String>, PublishError> {
        let held = self.account.records(&place.zone, &place.label, Some(place.type_())).await?;
        Ok(held.into_iter().filter(|held| place.is(held)).filter_map(|held| held.id).collect())
    }
}

#[async_trait]
impl Publisher for DnSimple {
    async fn ensure(&self, record: &Record) -> Result<(), PublishError> {
        let place = self.place(record).await?;
        let held = self.account.records(&place.zone, &place.label, None).await?;
        if held.iter().any(|held| place.is(held)) {
            return Ok(());
        }
        if let Some(holds) = place.in_the_way(&held) {
            return Err(PublishError::Conflict { name: dotless(&record.name), holds });
        }
        // Values of one name have one TTL (RFC 2181 §5.2): theirs, when others are there.
        let theirs = held.iter().find(|held| place.is_of_its_type(held)).and_then(|held| held.ttl);
        let ours = NewRecord {
            name: &place.label,
            type_: place.type_(),
            content: &place.content(),
            ttl: theirs.and_then(|ttl| ttl.try_into().ok()).unwrap_or(record.ttl),
        };
        match self.account.create_record(&place.zone, &ours).await {
            // Made meanwhile.
            Err(CallError::Rejected { code, .. }) if code == ALREADY_EXISTS => Ok(()),
            made => Ok(made.map(drop)?),
        }
    }

    async fn observe(&self, record: &Record) -> Result<Observed, PublishError> {
        let ours = self.ours(&self.place(record).await?).await?;
        Ok(if ours.is_empty() { Observed::Absent } else { Observed::Present })
    }

    async fn remove(&self, record: &Record) -> Result<(), PublishError> {
        let place = self.place(record).await?;
        for id in self.ours(&place).await? {
            self.account.delete_record(&place.zone, &id).await?;
        }
        Ok(())
    }

    /// As DNSimple finds by asking its name servers.
    async fn is_distributed(&self, record: &Record) -> Result<Option<bool>, PublishError> {
        let place = self.place(record).await?;
        Ok(Some(match self.ours(&place).await?.first() {
            Some(id) => self.account.is_distributed(&place.zone, id).await?,
            None => false,
        }))
    }
}

impl Place<'_> {
    fn type_(&self) -> RecordType {
        match self.record.kind {
            Kind::Txt => RecordType::Txt,
            Kind::Cname => RecordType::Cname,
        }
    }

    fn is_of_its_type(&self, held: &ZoneRecord) -> bool {
        held.type_.as_deref() == Some(self.type_().as_str())
    }

    fn is(&self, held: &ZoneRecord) -> bool {
        let content = held.content.as_deref().unwrap_or_default();
        let same = match self.record.kind {
            Kind::Txt => text(content) == self.record.value.as_bytes(),
            Kind::Cname => dotless(content) == dotless(&self.record.value),
        };
        same && self.is_of_its_type(held)
    }

    /// What the record cannot stand beside: a CNAME is alone at its name.
    fn in_the_way(&self, held: &[ZoneRecord]) -> Option<String> {
        let is_cname = |held: &&ZoneRecord| held.type_.as_deref() == Some(RecordType::Cname.as_str());
        match held.iter().find(is_cname) {
            Some(cname) => Some(format!("a CNAME to {}", cname.content.as_deref().unwrap_or_default())),
            None => (self.record.kind == Kind::Cname && !held.is_empty()).then(|| "other records".to_owned()),
        }
    }

    fn content(&self) -> String {
        match self.record.kind {
            Kind::Txt => quoted(&self.record.value),
            Kind::Cname => dotless(&self.record.value),
        }
    }
}

/// In lower case, without the final dot.
fn dotless(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// Strings as a zone file has them, of 255 octets at most (RFC 1035 §3.3): what comes in quotes DNSimple keeps as it is.
fn quoted(value: &str) -> String {
    let mut strings = vec![String::new()];
    let mut length = 0;
    for character in value.chars() {
        length += character.len_utf8();
        if length > 255 {
            strings.push(String::new());
            length = character.len_utf8();
        }
        if let Some(string) = strings.last_mut() {
            string.extend(matches!(character, '"' | '\\').then_some('\\').into_iter().chain([character]));
        }
    }
    strings.iter().map(|string| format!("\"{string}\"")).collect::<Vec<_>>().join(" ")
}

/// The strings of a TXT record as a zone file has them (RFC 1035 §5.1), joined. What has no quotes is what it is.
fn text(content: &str) -> Vec<u8> {
    if !content.starts_with('"') {
        return content.as_bytes().to_vec();
    }
    let (mut text, mut quoted, mut rest) = (Vec::new(), false, content.as_bytes());
    while let [first, others @ ..] = rest {
        rest = others;
        match (first, others) {
            (b'"', _) => quoted = !quoted,
            (b'\\', [a @ b'0'..=b'2', b @ b'0'..=b'9', c @ b'0'..=b'9', others @ ..]) => {
                let [a, b, c] = [a, b, c].map(|digit| u16::from(digit - b'0'));
                text.extend(u8::try_from(a * 100 + b * 10 + c));
                rest = others;
            }
            (b'\\', [meant, others @ ..]) => {
                text.push(*meant);
                rest = others;
            }
            // Blanks between two strings are none of theirs.
            (byte, _) if quoted => text.push(*byte),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_read_as_zone_files_have_them() {
        for (content, expected) in [
            ("abc", "abc"),
            ("a \"b\"", "a \"b\""),
            ("\"abc\"", "abc"),
            ("\"\"", ""),
            ("\"a b\" \"c\"", "a bc"),
            (r#""a\"b\\""#, r#"a"b\"#),
            (r#""\065\066""#, "AB"),
            // Cut off, or no octet.
            ("\"a\\", "a\\"),
            (r#""a\299b""#, "ab"),
            (r#""a\12""#, "a12"),
        ] {
            assert_eq!(text(content), expected.as_bytes(), "{content}");
        }
    }

    #[test]
    fn no_string_is_longer_than_one_can_be() {
        for (value, lengths) in
            [("x".repeat(255), vec![257]), ("x".repeat(256), vec![257, 3]), ("é".repeat(128), vec![256, 4])]
        {
            assert_eq!(quoted(&value).split(' ').map(str::len).collect::<Vec<_>>(), lengths);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value in ".{0,600}") {
            prop_assert_eq!(text(&quoted(&value)), value.as_bytes());
        }

        #[test]
        fn whatever_is_held_is_read(content in ".*") {
            text(&content);
        }
    }
}
