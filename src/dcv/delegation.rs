//! Where a validation name leads: somebody who does not want the zone of his names to be written to makes `_dnsauth` a
//! CNAME into another zone, and the record is published there.

use hickory_proto::{
    op::{Message, ResponseCode},
    rr::{Name, RData, RecordType},
};

use super::{
    Kind, Record,
    exchange::{self, exchange},
    selfcheck::{SelfCheck, target},
};

/// CNAMEs one after another.
const MOST_HOPS: usize = 8;

/// Who is asked where a name leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    Authorities,
    /// Where authoritative servers cannot be reached.
    Resolvers,
}

impl SelfCheck {
    /// The name at which the record has to stand so that it is seen at its own: the end of the CNAMEs that begin there.
    /// `None`: its own. Only names made for validation are followed, which begin with an underscore: at the end of others
    /// are servers.
    pub async fn follow(&self, record: &Record, ask: Ask) -> Result<Option<String>, String> {
        let (first, wanted) = record.parse().map_err(|error| error.to_string())?;
        if !record.name.starts_with('_') {
            return Ok(None);
        }
        let mut passed = vec![first];
        while let Some(name) = passed.last().cloned() {
            let Some(next) = self.alias(&name, ask).await?.filter(|next| !is_token(record.kind, next, &wanted)) else {
                break;
            };
            if passed.contains(&next) {
                return Err(format!("the CNAMEs from {} lead in a circle, over {next}", record.name));
            }
            if passed.len() > MOST_HOPS {
                return Err(format!("more than {MOST_HOPS} CNAMEs lead away from {}", record.name));
            }
            passed.push(next);
        }
        let end = passed.split_first().and_then(|(_, rest)| rest.last());
        Ok(end.map(|end| end.to_ascii().trim_end_matches('.').to_ascii_lowercase()))
    }

    async fn alias(&self, name: &Name, ask: Ask) -> Result<Option<Name>, String> {
        let answer = match ask {
            Ask::Resolvers => self.resolvers.ask(name, RecordType::CNAME).await,
            Ask::Authorities => self.ask_authority(name, RecordType::CNAME).await,
        };
        let answer = answer.map_err(|why| format!("it cannot be told whether {name} is a CNAME: {why}"))?;
        let at_name = answer.answers.iter().filter(|rr| rr.name == *name);
        Ok(at_name.filter_map(|rr| target(&rr.data)).next().cloned())
    }

    /// What the first of a name's authoritative servers that knows says.
    async fn ask_authority(&self, name: &Name, record_type: RecordType) -> Result<Message, String> {
        let mut last = String::new();
        for (server, address) in self.authority(name).await?.servers {
            let question = exchange::question(name.clone(), record_type);
            match exchange(address, question, None, self.timeout).await {
                Ok(answer) if is_authoritative(&answer) => return Ok(answer),
                Ok(answer) => last = format!("{server} ({address}) answers {}", answer.metadata.response_code),
                Err(error) => last = format!("{server} ({address}): {error}"),
            }
        }
        Err(last)
    }
}

pub(super) fn is_authoritative(answer: &Message) -> bool {
    let told = matches!(answer.metadata.response_code, ResponseCode::NoError | ResponseCode::NXDomain);
    told && answer.metadata.authoritative
}

/// Whether a CNAME shows control already, perhaps for an earlier order, and so delegates nothing: it leads to where the
/// provider's values are.
fn is_token(kind: Kind, target: &Name, wanted: &RData) -> bool {
    match wanted {
        RData::CNAME(wanted) if kind == Kind::Cname => wanted.0.trim_to(2).zone_of(target),
        _ => false,
    }
}
