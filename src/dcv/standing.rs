//! What stands at a name already, as the name servers of its zone show it: for publishers through which somebody else's
//! record could be lost.

use std::collections::BTreeSet;

use futures::future::join_all;
use hickory_proto::rr::{Name, RData, RecordType};

use super::{
    Ask, Kind, PublishError, Record, SelfCheck, absolute,
    delegation::is_authoritative,
    exchange::{exchange, question},
};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The zone of the name, without the final dot; `None` where only resolvers were asked.
    pub zone: Option<String>,
    pub cname: Option<String>,
    pub texts: BTreeSet<String>,
}

impl SelfCheck {
    /// What any name server of its zone shows is there.
    pub async fn standing(&self, record: &Record, ask: Ask) -> Result<Standing, PublishError> {
        let unseen = |cause: String| PublishError::Unseen { name: plain(&record.name), cause };
        let name = absolute(&record.name).map_err(|error| unseen(error.to_string()))?;
        // With a CNAME at the name, it is the answer to this as well.
        let (zone, answers) = match ask {
            Ask::Resolvers => (None, vec![self.resolvers.ask(&name, RecordType::TXT).await.map_err(unseen)?]),
            Ask::Authorities => {
                let zone = self.authority(&name).await.map_err(unseen)?;
                let question = || question(name.clone(), RecordType::TXT);
                let asked = zone.servers.iter().map(|(_, server)| exchange(*server, question(), None, self.timeout));
                let answers = join_all(asked).await.into_iter().flatten().filter(is_authoritative).collect();
                (Some(dotless(&zone.name)), answers)
            }
        };
        if answers.is_empty() {
            return Err(unseen("no name server of its zone answers".into()));
        }
        let mut standing = Standing { zone, ..Standing::default() };
        for rr in answers.iter().flat_map(|answer| &answer.answers).filter(|rr| rr.name == name) {
            match &rr.data {
                RData::CNAME(target) => standing.cname = Some(dotless(&target.0)),
                RData::TXT(text) => {
                    standing.texts.insert(String::from_utf8_lossy(&text.txt_data.concat()).into_owned());
                }
                _ => {}
            }
        }
        Ok(standing)
    }
}

impl Standing {
    /// Fails when something stands there that cannot stand beside the record. Nothing joins a CNAME, and a CNAME nothing.
    pub fn joined_by(&self, record: &Record) -> Result<(), PublishError> {
        let held = match (&self.cname, record.kind) {
            (Some(target), Kind::Cname) if target.eq_ignore_ascii_case(&plain(&record.value)) => None,
            (Some(target), _) => Some(format!("a CNAME to {target}")),
            (None, Kind::Cname) => self.texts.first().map(|text| format!("the TXT value {text:?}")),
            (None, Kind::Txt) => None,
        };
        held.map_or(Ok(()), |holds| Err(PublishError::Conflict { name: plain(&record.name), holds }))
    }

    /// Fails when another TXT value stands there than the record's and `ours`.
    pub fn of_ours_alone(&self, record: &Record, ours: &BTreeSet<String>) -> Result<(), PublishError> {
        let foreign = self.texts.iter().find(|text| **text != record.value && !ours.contains(*text));
        match foreign {
            None => Ok(()),
            Some(text) => {
                let holds = format!("the TXT value {text:?}");
                Err(PublishError::Conflict { name: plain(&record.name), holds })
            }
        }
    }
}

fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_owned()
}

fn dotless(name: &Name) -> String {
    plain(&name.to_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: Kind, value: &str) -> Record {
        Record { name: "shop.example.com.".into(), kind, value: value.into(), ttl: super::super::TTL }
    }

    fn standing(cname: Option<&str>, texts: &[&str]) -> Standing {
        Standing {
            zone: Some("example.com".into()),
            cname: cname.map(str::to_owned),
            texts: texts.iter().copied().map(str::to_owned).collect(),
        }
    }

    #[test]
    fn nothing_joins_a_cname_and_a_cname_nothing() {
        let (txt, cname) = (record(Kind::Txt, "abc"), record(Kind::Cname, "abc.dcv.digicert.com"));
        for (there, record, joins) in [
            (standing(None, &[]), &txt, true),
            (standing(None, &["theirs"]), &txt, true),
            (standing(Some("lb.example.net"), &[]), &txt, false),
            (standing(None, &[]), &cname, true),
            (standing(None, &["theirs"]), &cname, false),
            (standing(Some("ABC.dcv.digicert.com"), &[]), &cname, true),
            (standing(Some("lb.example.net"), &[]), &cname, false),
        ] {
            assert_eq!(there.joined_by(record).is_ok(), joins, "{there:?} {record:?}");
        }
        let told = standing(Some("lb.example.net"), &[]).joined_by(&txt).map_err(|error| error.to_string());
        assert_eq!(
            told,
            Err("shop.example.com already holds a CNAME to lb.example.net, which Evercert leaves alone".into())
        );
    }

    #[test]
    fn a_value_is_ours_or_somebody_else_s() {
        let ours = BTreeSet::from(["of another certificate".to_owned()]);
        for (texts, alone) in [
            (&[][..], true),
            (&["abc"], true),
            (&["abc", "of another certificate"], true),
            (&["abc", "v=spf1 -all"], false),
            (&["v=spf1 -all"], false),
        ] {
            let told = standing(None, texts).of_ours_alone(&record(Kind::Txt, "abc"), &ours);
            assert_eq!(told.is_ok(), alone, "{texts:?}");
        }
    }
}
