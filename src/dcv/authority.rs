//! Which servers are the authority for a name, found without asking a resolver for the name itself: it would remember
//! that nothing is there, and so might others behind it.

use std::net::{IpAddr, SocketAddr};

use futures::future::join_all;
use hickory_proto::{
    op::Message,
    rr::{Name, RData, RecordType},
};

use super::{
    exchange::{self, exchange},
    selfcheck::SelfCheck,
};

/// Name servers of a zone, and their addresses, that are asked. The root has 13 of two each; who asks for a name may have
/// thousands put into its zone.
pub(super) const MOST_SERVERS: usize = 32;
const MOST_ADDRESSES: usize = 128;
/// Zones below each other on the way to a name.
const MOST_CUTS: usize = 8;
/// Labels that exist whatever is published: those of a registered domain.
const REGISTERED: usize = 2;

/// One zone and each address of each of its servers.
#[derive(Debug)]
pub(super) struct Zone {
    pub(super) name: Name,
    pub(super) servers: Vec<(String, SocketAddr)>,
}

/// What a server of a zone says of a name in or below it.
enum Cut {
    /// The zone goes on to there.
    Same,
    /// Another zone begins above it, with these servers where they were named.
    Below(Name, Vec<Name>),
    /// It is an alias, and so no zone begins at it.
    Alias,
}

impl SelfCheck {
    /// The zone a name is in; why it is not known.
    pub(super) async fn authority(&self, name: &Name) -> Result<Zone, String> {
        let mut zone = self.registered(name).await?;
        for _ in 0..MOST_CUTS {
            match self.next(&zone, name).await? {
                Some(below) => zone = below,
                None => return Ok(zone),
            }
        }
        Err(format!("{name} is below more than {MOST_CUTS} zones"))
    }

    /// By the SOA that comes with every answer, also with one that says nothing is there (RFC 2308 §3).
    async fn registered(&self, name: &Name) -> Result<Zone, String> {
        let domain = name.trim_to(REGISTERED);
        let unknown = |why: String| format!("the zone of {name} cannot be found: {why}");
        let answer = self.resolvers.ask(&domain, RecordType::SOA).await.map_err(unknown)?;
        let zone = soa_owner(&answer).filter(|zone| zone.zone_of(&domain));
        let zone = zone.ok_or_else(|| format!("{name} is in no zone"))?;
        let found = self.resolvers.ask(&zone, RecordType::NS).await;
        let found = found.map_err(|why| format!("the name servers of {zone} cannot be resolved: {why}"))?;
        self.zone(zone, servers_of(&found.answers)).await
    }

    /// The zone below this one that the name is in.
    async fn next(&self, zone: &Zone, name: &Name) -> Result<Option<Zone>, String> {
        let mut asked = name.clone();
        while zone.name.zone_of(&asked) {
            match self.cut(zone, &asked).await {
                Cut::Same => return Ok(None),
                Cut::Alias => asked = asked.base_name(),
                Cut::Below(below, servers) => return self.zone(below, servers).await.map(Some),
            }
        }
        Ok(None)
    }

    /// By the first server that knows: of those that do not, the look for the record itself will tell.
    async fn cut(&self, zone: &Zone, name: &Name) -> Cut {
        for (_, server) in &zone.servers {
            let question = exchange::question(name.clone(), RecordType::SOA);
            let Ok(answer) = exchange(*server, question, None, self.timeout).await else { continue };
            if answer.answers.iter().any(|record| record.name == *name && matches!(record.data, RData::CNAME(_))) {
                return Cut::Alias;
            }
            if !answer.metadata.authoritative {
                // A referral (RFC 1034 §4.3.2).
                let below = answer
                    .authorities
                    .iter()
                    .find(|record| record.record_type() == RecordType::NS && is_below(&record.name, &zone.name, name));
                if let Some(below) = below {
                    return Cut::Below(below.name.clone(), servers_of(&answer.authorities));
                }
                continue;
            }
            let Some(below) = soa_owner(&answer).filter(|owner| is_below(owner, &zone.name, name)) else {
                return Cut::Same;
            };
            // It serves that zone as well.
            let question = exchange::question(below.clone(), RecordType::NS);
            let Ok(answer) = exchange(*server, question, None, self.timeout).await else { continue };
            return Cut::Below(below, servers_of(&answer.answers));
        }
        Cut::Same
    }

    async fn zone(&self, name: Name, servers: Vec<Name>) -> Result<Zone, String> {
        if servers.len() > MOST_SERVERS {
            return Err(format!("{name} has more than {MOST_SERVERS} name servers"));
        }
        let mut pairs = Vec::new();
        let mut why = String::new();
        let resolved = join_all(servers.iter().map(|server| self.addresses(server))).await;
        for (server, (addresses, failure)) in servers.iter().zip(resolved) {
            let server = server.to_ascii().trim_end_matches('.').to_owned();
            pairs.extend(addresses.into_iter().map(|address| (server.clone(), address)));
            why = failure.map_or(why, |failure| format!(": {server}: {failure}"));
        }
        match pairs.len() {
            0 => Err(format!("no name server of {name} has an address{why}")),
            1..=MOST_ADDRESSES => Ok(Zone { name, servers: pairs }),
            _ => Err(format!("the name servers of {name} have more than {MOST_ADDRESSES} addresses")),
        }
    }

    /// Where a name server is, and why that is not all.
    async fn addresses(&self, server: &Name) -> (Vec<SocketAddr>, Option<String>) {
        let types = [RecordType::A, RecordType::AAAA];
        let found = join_all(types.map(|family| self.resolvers.ask(server, family))).await;
        let records = found.iter().flatten().flat_map(|found| &found.answers);
        let addresses: Vec<IpAddr> = records.filter_map(|record| record.data.ip_addr()).collect();
        let asked = addresses.into_iter().filter(|address| self.may_ask(*address));
        let addresses = asked.map(|address| SocketAddr::new(address, self.port)).collect();
        (addresses, found.into_iter().find_map(Result::err))
    }
}

fn soa_owner(answer: &Message) -> Option<Name> {
    let mut records = answer.answers.iter().chain(&answer.authorities);
    records.find(|record| record.record_type() == RecordType::SOA).map(|soa| soa.name.clone())
}

fn servers_of(records: &[hickory_proto::rr::Record]) -> Vec<Name> {
    let server = |data: &RData| match data {
        RData::NS(server) => Some(server.0.clone()),
        _ => None,
    };
    records.iter().filter_map(|record| server(&record.data)).collect()
}

/// A zone below another, on the way to the name.
fn is_below(below: &Name, zone: &Name, name: &Name) -> bool {
    below != zone && zone.zone_of(below) && below.zone_of(name)
}
