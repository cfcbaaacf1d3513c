//! The publisher that is a person.

use async_trait::async_trait;

use super::{Kind, Observed, PublishError, Publisher, Record};

/// Publishes nothing and removes nothing; the record is shown to somebody who does.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manual;

#[async_trait]
impl Publisher for Manual {
    async fn ensure(&self, _: &Record) -> Result<(), PublishError> {
        Ok(())
    }

    async fn observe(&self, _: &Record) -> Result<Observed, PublishError> {
        Ok(Observed::Unknown)
    }

    async fn remove(&self, _: &Record) -> Result<(), PublishError> {
        Ok(())
    }
}

/// The record as a zone file has it (RFC 1035 §5.1), the type first: `TXT shop.example.com. "abc"`.
pub fn sentence(record: &Record) -> String {
    let name = dotted(&record.name);
    match record.kind {
        Kind::Txt => format!("TXT {name} \"{}\"", record.value.replace('\\', "\\\\").replace('"', "\\\"")),
        Kind::Cname => format!("CNAME {name} {}", dotted(&record.value)),
    }
}

fn dotted(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_can_copy_the_sentence() {
        let txt = Record {
            name: "shop.example.com".into(),
            kind: Kind::Txt,
            value: r#"a"b\"#.into(),
            ttl: super::super::TTL,
        };
        assert_eq!(sentence(&txt), r#"TXT shop.example.com. "a\"b\\""#);
        let cname = Record { kind: Kind::Cname, value: "abc.dcv.digicert.com.".into(), ..txt };
        assert_eq!(sentence(&cname), "CNAME shop.example.com. abc.dcv.digicert.com.");
    }
}
