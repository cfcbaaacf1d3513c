//! What an update message does to a zone's records (RFC 2136 §3): prerequisites, pre-scan, then all of it or nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{DNSClass, LowerName, RData, Record, RecordData, RecordSet, RecordType, RrKey};

pub(super) type Records = BTreeMap<RrKey, Arc<RecordSet>>;

/// True when a record changed; the zone's serial has grown then.
pub(super) fn apply(
    zone: &mut Records,
    origin: &LowerName,
    prerequisites: &[Record],
    updates: &[Record],
) -> Result<bool, ResponseCode> {
    check_prerequisites(zone, origin, prerequisites)?;
    prescan(origin, updates)?;
    let mut changed = false;
    for update in updates {
        changed |= match update.dns_class {
            DNSClass::IN => add(zone, update),
            DNSClass::ANY => delete_sets(zone, origin, update),
            _ => delete_record(zone, origin, update),
        };
    }
    if changed {
        increment_serial(zone, origin);
    }
    Ok(changed)
}

/// RFC 2136 §3.2.
fn check_prerequisites(zone: &Records, origin: &LowerName, prerequisites: &[Record]) -> Result<(), ResponseCode> {
    let mut exact: BTreeMap<RrKey, Vec<&Record>> = BTreeMap::new();
    for rr in prerequisites {
        if rr.ttl != 0 {
            return Err(ResponseCode::FormErr);
        }
        check_in_zone(origin, rr)?;
        let key = key(rr);
        let any_type = key.record_type == RecordType::ANY;
        let exists = match any_type {
            true => zone.keys().any(|held| held.name == key.name),
            false => zone.contains_key(&key),
        };
        match rr.dns_class {
            DNSClass::ANY | DNSClass::NONE if !rr.data.is_update() => {
                return Err(ResponseCode::FormErr);
            }
            DNSClass::ANY if !exists && any_type => return Err(ResponseCode::NXDomain),
            DNSClass::ANY if !exists => return Err(ResponseCode::NXRRSet),
            DNSClass::NONE if exists && any_type => return Err(ResponseCode::YXDomain),
            DNSClass::NONE if exists => return Err(ResponseCode::YXRRSet),
            DNSClass::ANY | DNSClass::NONE => {}
            DNSClass::IN => exact.entry(key).or_default().push(rr),
            _ => return Err(ResponseCode::FormErr),
        }
    }
    let matches = |(key, wanted): (&RrKey, &Vec<&Record>)| {
        let Some(held) = zone.get(key) else {
            return false;
        };
        held.records_count() == wanted.len()
            && held.records_without_rrsigs().all(|rr| wanted.iter().any(|wanted| wanted.data == rr.data))
    };
    match exact.iter().all(matches) {
        true => Ok(()),
        false => Err(ResponseCode::NXRRSet),
    }
}

/// RFC 2136 §3.4.1.
fn prescan(origin: &LowerName, updates: &[Record]) -> Result<(), ResponseCode> {
    for rr in updates {
        check_in_zone(origin, rr)?;
        let any = rr.record_type() == RecordType::ANY;
        // 128 to 255 are the types of questions (RFC 6895 §3.1).
        let question = (128..=255).contains(&u16::from(rr.record_type()));
        let empty = rr.data.is_update();
        let well_formed = match rr.dns_class {
            DNSClass::IN => !question && !empty,
            DNSClass::ANY => rr.ttl == 0 && empty && (any || !question),
            DNSClass::NONE => rr.ttl == 0 && !question,
            _ => false,
        };
        if !well_formed {
            return Err(ResponseCode::FormErr);
        }
    }
    Ok(())
}

/// RFC 2136 §3.4.2.2. A CNAME shares its name with nothing, the newcomer is ignored; CNAME and SOA replace their like.
fn add(zone: &mut Records, rr: &Record) -> bool {
    let key = key(rr);
    let is_cname = key.record_type == RecordType::CNAME;
    let clash = zone.keys().any(|held| held.name == key.name && (held.record_type == RecordType::CNAME) != is_cname);
    if clash || (key.record_type == RecordType::SOA && !zone.contains_key(&key)) {
        return false;
    }
    let set =
        zone.entry(key).or_insert_with(|| Arc::new(RecordSet::with_ttl(rr.name.clone(), rr.record_type(), rr.ttl)));
    let set = Arc::make_mut(set);
    let other_ttl = set.ttl() != rr.ttl;
    let inserted = set.insert(rr.clone(), 0);
    // One TTL for the whole set (RFC 2181 §5.2): the newest.
    set.set_ttl(rr.ttl);
    inserted || other_ttl
}

/// RFC 2136 §3.4.2.3: a whole set, or all sets of a name; SOA and NS of the zone itself stay.
fn delete_sets(zone: &mut Records, origin: &LowerName, rr: &Record) -> bool {
    let wanted = key(rr);
    let before = zone.len();
    zone.retain(|key, _| {
        let named =
            key.name == wanted.name && (wanted.record_type == RecordType::ANY || wanted.record_type == key.record_type);
        !named || is_apex(key, origin)
    });
    zone.len() < before
}

/// RFC 2136 §3.4.2.4: the one record with this data; neither the zone's SOA nor its last NS.
fn delete_record(zone: &mut Records, origin: &LowerName, rr: &Record) -> bool {
    let key = key(rr);
    let Some(set) = zone.get_mut(&key) else {
        return false;
    };
    if !set.records_without_rrsigs().any(|held| held.data == rr.data) {
        return false;
    }
    if set.records_count() > 1 {
        return Arc::make_mut(set).remove(rr, 0);
    }
    !is_apex(&key, origin) && zone.remove(&key).is_some()
}

/// RFC 2136 §3.6.
fn increment_serial(zone: &mut Records, origin: &LowerName) {
    let Some(set) = zone.get_mut(&RrKey::new(origin.clone(), RecordType::SOA)) else {
        return;
    };
    let Some(mut record) = set.record().cloned() else {
        return;
    };
    if let RData::SOA(soa) = &mut record.data {
        soa.serial = soa.serial.wrapping_add(1);
        Arc::make_mut(set).set_records(vec![record]);
    }
}

fn check_in_zone(origin: &LowerName, rr: &Record) -> Result<(), ResponseCode> {
    match origin.zone_of(&LowerName::new(&rr.name)) {
        true => Ok(()),
        false => Err(ResponseCode::NotZone),
    }
}

fn is_apex(key: &RrKey, origin: &LowerName) -> bool {
    key.name == *origin && matches!(key.record_type, RecordType::SOA | RecordType::NS)
}

fn key(rr: &Record) -> RrKey {
    RrKey::new(LowerName::new(&rr.name), rr.record_type())
}

#[cfg(test)]
mod tests;
