//! Whether the DNS lets a CA issue for a name (CAA, RFC 8659), as the CA will judge it.
//!
//! Parameters after the CA's name (RFC 8657: accounts, methods) are not judged: what the CA makes of them only it knows.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use futures::{StreamExt, stream};
use hickory_proto::rr::{Name, RData, RecordType, rdata::CAA};
use tokio::time::timeout;

use super::{absolute, ancestors, selfcheck::SelfCheck};

/// For all names together.
const PATIENCE: Duration = Duration::from_secs(30);
/// Lookups at a time.
const AT_ONCE: usize = 8;
/// Properties that say nothing about TLS certificates, besides the two that do (IANA, *Certification Authority Restriction
/// Properties*).
const OF_NO_ACCOUNT: [&str; 5] = ["iodef", "issuemail", "issuevmc", "contactemail", "contactphone"];

/// The records of a name, none where it has none; or why they are not known.
type Records = HashMap<Name, Result<Vec<CAA>, String>>;

impl SelfCheck {
    /// Whether each of these names, `*.` ones included, lets a CA issue that goes by any of `identities`; why not. Asks
    /// resolvers for them, so only after what is published below them is to be seen.
    pub async fn caa<S: AsRef<str>>(&self, names: &[S], identities: &[&str]) -> Result<(), String> {
        let wanted: Vec<(Name, bool)> = names.iter().filter_map(|name| parse(name.as_ref())).collect();
        let owners: BTreeSet<Name> = wanted.iter().flat_map(|(name, _)| ancestors(name)).collect();
        let lookups = stream::iter(owners).map(|owner| self.caa_of(owner)).buffer_unordered(AT_ONCE);
        let found = timeout(PATIENCE, lookups.collect::<Vec<_>>()).await;
        let found = found.map_err(|_| "CAA records were not found out in time".to_owned())?;
        let records: Records = found.into_iter().collect();
        // Resolvers that know nothing at all are out of order, and that says nothing about the CA's.
        if records.values().all(Result::is_err) {
            return Ok(());
        }
        wanted.iter().try_for_each(|(name, wildcard)| judge(name, *wildcard, &records, identities))
    }

    /// An alias has the records of what it leads to.
    async fn caa_of(&self, owner: Name) -> (Name, Result<Vec<CAA>, String>) {
        let answer = self.resolvers.ask_if_served(&owner, RecordType::CAA).await;
        let caa = |data| match data {
            RData::CAA(caa) => Some(caa),
            _ => None,
        };
        let records =
            answer.map(|answer| answer.into_iter().flat_map(|it| it.answers).filter_map(|it| caa(it.data)).collect());
        (owner, records)
    }
}

fn parse(name: &str) -> Option<(Name, bool)> {
    let (base, wildcard) = name.strip_prefix("*.").map_or((name, false), |base| (base, true));
    Some((absolute(base).ok()?, wildcard))
}

/// RFC 8659 §3: what counts is what stands at the name, or at the closest of its parents that has any.
fn judge(name: &Name, wildcard: bool, records: &Records, identities: &[&str]) -> Result<(), String> {
    let closest = ancestors(name).find_map(|owner| match records.get(&owner)? {
        Ok(set) if set.is_empty() => None,
        found => Some((owner, found)),
    });
    let (owner, set) = match closest {
        None => return Ok(()),
        Some((owner, Ok(set))) => (owner, set),
        Some((owner, Err(why))) => {
            let owner = plain(&owner);
            return Err(format!(
                "the CAA records of {owner} cannot be looked up ({why}), and a CA that cannot may not issue"
            ));
        }
    };
    let shown = format!("{}{}", if wildcard { "*." } else { "" }, plain(name));
    let unknown = |caa: &&CAA| caa.issuer_critical && !is_known(&caa.tag);
    if let Some(unknown) = set.iter().find(unknown) {
        return Err(format!(
            "{} has a critical CAA record of the unknown kind {:?}, which forbids every certificate for {shown}",
            plain(&owner),
            unknown.tag
        ));
    }
    let of_kind = |tag: &str| set.iter().filter(|caa| caa.tag.eq_ignore_ascii_case(tag)).collect::<Vec<_>>();
    // §4.3: for a wildcard those of its own kind take the place of the others, when there are any.
    let wild = if wildcard { of_kind("issuewild") } else { Vec::new() };
    let deciding = if wild.is_empty() { of_kind("issue") } else { wild };
    let allowed: Vec<String> = deciding.iter().map(|caa| issuer(caa)).collect();
    if deciding.is_empty() || allowed.iter().any(|allowed| identities.contains(&allowed.as_str())) {
        return Ok(());
    }
    let named: BTreeSet<&str> = allowed.iter().map(String::as_str).filter(|allowed| !allowed.is_empty()).collect();
    let named = named.into_iter().collect::<Vec<_>>().join(", ");
    Err(format!(
        "CAA records at {} let {} issue for {shown}, and not the provider ({})",
        plain(&owner),
        if named.is_empty() { "nobody" } else { &named },
        identities.first().unwrap_or(&"which has no name there"),
    ))
}

fn is_known(tag: &str) -> bool {
    ["issue", "issuewild"].iter().chain(&OF_NO_ACCOUNT).any(|known| known.eq_ignore_ascii_case(tag))
}

/// §4.2: the CA's domain name; nothing where there is none, or none that can be read, which allows nobody.
fn issuer(caa: &CAA) -> String {
    let value = String::from_utf8_lossy(&caa.value);
    let name = value.split(';').next().unwrap_or_default();
    name.trim().trim_end_matches('.').to_ascii_lowercase()
}

fn plain(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use hickory_proto::op::{Message, MessageType, ResponseCode};
    use tokio::net::UdpSocket;

    use super::*;
    use crate::dcv::selfcheck::SelfCheckConfig;

    fn caa(critical: bool, tag: &str, value: &str) -> CAA {
        let mut caa = CAA::new_issue(critical, None, Vec::new());
        caa.tag = tag.to_owned();
        caa.value = value.as_bytes().to_vec();
        caa
    }

    const CA: [&str; 2] = ["ca.example", "old-ca.example"];

    #[test]
    fn the_closest_records_decide_and_wildcards_have_their_own() {
        let issue = |value| caa(false, "issue", value);
        let wild = |value| caa(false, "issuewild", value);
        let table: [(&[CAA], bool, bool); 14] = [
            // Records at example.com; whether shop.example.com, and then *.example.com, may be issued.
            (&[], true, true),
            (&[issue("ca.example")], true, true),
            (&[issue("OLD-CA.example. ; account=7")], true, true),
            (&[issue("other.example")], false, false),
            (&[issue("other.example"), issue("ca.example")], true, true),
            (&[issue("")], false, false),
            (&[issue(";")], false, false),
            (&[wild("ca.example")], true, true),
            (&[wild("other.example")], true, false),
            (&[issue("ca.example"), wild(";")], true, false),
            (&[issue("other.example"), wild("ca.example")], false, true),
            (&[caa(false, "iodef", "mailto:a@b.example"), caa(true, "issuemail", ";")], true, true),
            (&[issue("ca.example"), caa(false, "tbs", "x")], true, true),
            (&[issue("ca.example"), caa(true, "tbs", "x")], false, false),
        ];
        for (at_domain, name, wildcard) in table {
            let records: Records = [("example.com", at_domain), ("com", &[issue("other.example")][..])]
                .map(|(owner, set)| (absolute(owner).unwrap(), Ok(set.to_vec())))
                .into();
            // Where the domain says nothing its parent does.
            let (name, wildcard) = if at_domain.is_empty() { (false, false) } else { (name, wildcard) };
            let judged = |name: &str, wildcard| judge(&absolute(name).unwrap(), wildcard, &records, &CA);
            assert_eq!(judged("shop.example.com", false).is_ok(), name, "{at_domain:?}");
            assert_eq!(judged("example.com", true).is_ok(), wildcard, "{at_domain:?}");
        }
        assert_eq!(judge(&absolute("shop.example.com").unwrap(), false, &Records::new(), &CA), Ok(()));
    }

    #[test]
    fn what_cannot_be_looked_up_forbids_unless_something_closer_decides() {
        let com = (absolute("com").unwrap(), Err("no answer".to_owned()));
        let own = (absolute("example.com").unwrap(), Ok(vec![caa(false, "issue", CA[0])]));
        let judged = |records: Records| judge(&absolute("shop.example.com").unwrap(), false, &records, &CA);
        assert!(judged([com.clone()].into()).unwrap_err().contains("of com cannot be looked up (no answer)"));
        assert_eq!(judged([com, own].into()), Ok(()));
    }

    /// Answers about the domain; about its parent with this code.
    async fn resolver(of_parent: ResponseCode) -> SelfCheck {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let resolvers = vec![socket.local_addr().unwrap()];
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let mut answer = Message::from_vec(&buffer[..length]).unwrap();
                answer.metadata.message_type = MessageType::Response;
                if answer.queries[0].name().num_labels() == 1 {
                    answer.metadata.response_code = of_parent;
                }
                socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
            }
        });
        SelfCheck::new(&SelfCheckConfig { resolvers, ..SelfCheckConfig::default() }).unwrap()
    }

    #[tokio::test]
    async fn a_resolver_that_is_not_there_for_a_name_says_nothing_of_it() {
        for (of_parent, may_issue) in [(ResponseCode::Refused, true), (ResponseCode::ServFail, false)] {
            let told = resolver(of_parent).await.caa(&["shop.example.com"], &CA).await;
            assert_eq!(told.is_ok(), may_issue, "{told:?}");
        }
    }

    #[test]
    fn a_refusal_names_the_owner_and_who_is_allowed() {
        let set = vec![caa(false, "issue", "other.example"), caa(false, "issue", ";")];
        let records: Records = [(absolute("example.com").unwrap(), Ok(set))].into();
        let refused = judge(&absolute("example.com").unwrap(), true, &records, &CA).unwrap_err();
        let expected =
            "CAA records at example.com let other.example issue for *.example.com, and not the provider (ca.example)";
        assert_eq!(refused, expected);
    }
}
