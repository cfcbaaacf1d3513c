#![allow(clippy::unwrap_used)]

use hickory_proto::rr::rdata::{CNAME, NS, SOA, TXT};
use hickory_proto::rr::{Name, RData};

use super::*;

const APEX: &str = "example.com.";
const HELD: &str = "held.example.com.";
const FREE: &str = "free.example.com.";

fn name(name: &str) -> Name {
    Name::from_ascii(name).unwrap()
}

fn rr(class: DNSClass, owner: &str, ttl: u32, data: RData) -> Record {
    let mut record = Record::from_rdata(name(owner), ttl, data);
    record.dns_class = class;
    record
}

fn empty(class: DNSClass, owner: &str, record_type: RecordType) -> Record {
    rr(class, owner, 0, RData::Update0(record_type))
}

fn txt(text: &str) -> RData {
    RData::TXT(TXT::new(vec![text.into()]))
}

fn ns(target: &str) -> RData {
    RData::NS(NS(name(target)))
}

/// The apex, and two texts at `HELD`.
fn zone() -> Records {
    let soa = SOA::new(name("ns.invalid."), name(APEX), 7, 1, 1, 1, 1);
    let records = [(APEX, RData::SOA(soa)), (APEX, ns("ns.invalid.")), (HELD, txt("one")), (HELD, txt("two"))];
    let mut zone = Records::new();
    for (owner, data) in records {
        let key = RrKey::new(LowerName::new(&name(owner)), data.record_type());
        let set =
            zone.entry(key).or_insert_with_key(|key| Arc::new(RecordSet::with_ttl(name(owner), key.record_type, 60)));
        Arc::make_mut(set).add_rdata(data);
    }
    zone
}

fn origin() -> LowerName {
    LowerName::new(&name(APEX))
}

fn prerequisites(rrs: &[Record]) -> Result<bool, ResponseCode> {
    apply(&mut zone(), &origin(), rrs, &[])
}

fn texts(zone: &Records, owner: &str) -> Vec<String> {
    let key = RrKey::new(LowerName::new(&name(owner)), RecordType::TXT);
    let records = zone.get(&key).into_iter().flat_map(|set| set.records_without_rrsigs());
    records.map(|rr| rr.data.to_string()).collect()
}

#[test]
fn prerequisites_are_judged_as_rfc_2136_3_2_says() {
    use DNSClass::{ANY, IN, NONE};
    use RecordType as T;
    let one = rr(IN, HELD, 0, txt("one"));
    let two = rr(IN, HELD, 0, txt("two"));
    let three = rr(IN, HELD, 0, txt("three"));
    let table = [
        (vec![empty(ANY, HELD, T::ANY)], Ok(false)),
        (vec![empty(ANY, FREE, T::ANY)], Err(ResponseCode::NXDomain)),
        (vec![empty(ANY, HELD, T::TXT)], Ok(false)),
        (vec![empty(ANY, HELD, T::A)], Err(ResponseCode::NXRRSet)),
        (vec![empty(NONE, FREE, T::ANY)], Ok(false)),
        (vec![empty(NONE, HELD, T::ANY)], Err(ResponseCode::YXDomain)),
        (vec![empty(NONE, HELD, T::A)], Ok(false)),
        (vec![empty(NONE, HELD, T::TXT)], Err(ResponseCode::YXRRSet)),
        (vec![two.clone(), one.clone()], Ok(false)),
        (vec![one.clone()], Err(ResponseCode::NXRRSet)),
        (vec![one, three], Err(ResponseCode::NXRRSet)),
        (vec![rr(IN, HELD, 60, txt("one"))], Err(ResponseCode::FormErr)),
        (vec![rr(NONE, HELD, 0, txt("one"))], Err(ResponseCode::FormErr)),
        (vec![empty(ANY, "example.org.", T::ANY)], Err(ResponseCode::NotZone)),
    ];
    for (rrs, expected) in table {
        assert_eq!(prerequisites(&rrs), expected, "{rrs:?}");
    }
}

#[test]
fn one_bad_update_stops_all() {
    let good = rr(DNSClass::IN, FREE, 60, txt("new"));
    let bad = [
        (rr(DNSClass::IN, "example.org.", 60, txt("x")), ResponseCode::NotZone),
        (rr(DNSClass::NONE, HELD, 60, txt("one")), ResponseCode::FormErr),
        (rr(DNSClass::ANY, HELD, 0, txt("one")), ResponseCode::FormErr),
        (empty(DNSClass::IN, HELD, RecordType::TXT), ResponseCode::FormErr),
        (empty(DNSClass::ANY, HELD, RecordType::AXFR), ResponseCode::FormErr),
        (rr(DNSClass::CH, HELD, 0, txt("one")), ResponseCode::FormErr),
    ];
    for (bad, code) in bad {
        let mut zone = zone();
        let outcome = apply(&mut zone, &origin(), &[], &[good.clone(), bad]);
        assert_eq!(outcome, Err(code));
        assert!(texts(&zone, FREE).is_empty());
    }
}

#[test]
fn a_set_has_the_newest_ttl() {
    let mut zone = zone();
    let again = rr(DNSClass::IN, HELD, 300, txt("two"));
    assert_eq!(apply(&mut zone, &origin(), &[], &[again]), Ok(true));
    let key = RrKey::new(LowerName::new(&name(HELD)), RecordType::TXT);
    let ttls: Vec<u32> = zone[&key].records_without_rrsigs().map(|rr| rr.ttl).collect();
    assert_eq!(ttls, [300, 300]);
}

#[test]
fn a_cname_does_not_join_others() {
    let mut zone = zone();
    let cname = rr(DNSClass::IN, HELD, 60, RData::CNAME(CNAME(name(FREE))));
    assert_eq!(apply(&mut zone, &origin(), &[], &[cname]), Ok(false));
}

#[test]
fn deletion_spares_what_makes_a_zone() {
    let last_ns = rr(DNSClass::NONE, APEX, 0, ns("ns.invalid."));
    for update in [
        last_ns,
        empty(DNSClass::ANY, APEX, RecordType::ANY),
        empty(DNSClass::ANY, APEX, RecordType::NS),
        empty(DNSClass::ANY, APEX, RecordType::SOA),
    ] {
        let mut zone = zone();
        assert_eq!(apply(&mut zone, &origin(), &[], &[update]), Ok(false));
    }
    let mut zone = zone();
    let all = empty(DNSClass::ANY, HELD, RecordType::ANY);
    assert_eq!(apply(&mut zone, &origin(), &[], &[all]), Ok(true));
    assert!(texts(&zone, HELD).is_empty());
}
