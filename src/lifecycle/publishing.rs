//! Which method proves the names of a request, and which of an issuer's publishers carries its records.
//!
//! | publisher | TXT | CNAME | file, no wildcard |
//! |---|---|---|---|
//! | `rfc2136`, `dnsimple`, `externalDns` | yes | yes | |
//! | `certManagerWebhook` | yes | | |
//! | `http` | | | yes |
//! | `manual` | yes | yes | yes |

use crate::api::{
    IssuerSpec,
    issuance::{PublisherKind, ValidationMethod},
    issuer::{DcvMethod, Publisher, Vendor},
};

use ValidationMethod::{DnsCname, DnsTxt, Email, Http};

/// What a provider offers, the best first. Sectigo's CNAME stays the same for the CSR, so that nobody has to wait for SCM
/// before it is published. A mail needs a person, so nobody gets one who did not ask for it.
fn offers(vendor: Vendor) -> &'static [ValidationMethod] {
    match vendor {
        Vendor::DigiCert => &[DnsTxt, DnsCname, Http],
        Vendor::Sectigo => &[DnsCname, DnsTxt, Http],
        // DNSimple puts it into its own zone; nothing of it is asked of us.
        Vendor::DnSimple => &[DnsTxt],
    }
}

fn carries(publisher: PublisherKind, method: ValidationMethod) -> bool {
    match publisher {
        PublisherKind::Rfc2136 | PublisherKind::Dnsimple | PublisherKind::ExternalDns => {
            matches!(method, DnsTxt | DnsCname)
        }
        PublisherKind::CertManagerWebhook => method == DnsTxt,
        PublisherKind::Http => method == Http,
        PublisherKind::Manual => method != Email,
    }
}

/// What proves these names: what the issuer says; else the best that the closest publisher of every name carries, else the
/// best that some publisher of every name does.
pub fn method<'a>(issuer: &IssuerSpec, names: impl IntoIterator<Item = &'a str> + Clone) -> ValidationMethod {
    let dcv = issuer.dcv.as_ref();
    let publishers = dcv.map_or(&[][..], |dcv| &dcv.publishers);
    let offered = offers(issuer.vendor());
    let every = |proven: &dyn Fn(&str, ValidationMethod) -> bool| {
        offered.iter().copied().find(|method| names.clone().into_iter().all(|name| proven(name, *method)))
    };
    match dcv.and_then(|dcv| dcv.method).unwrap_or_default() {
        DcvMethod::DnsTxt => DnsTxt,
        DcvMethod::DnsCname => DnsCname,
        DcvMethod::Http => Http,
        DcvMethod::Email => Email,
        DcvMethod::Auto => every(&|name, method| {
            let usable = |publisher: &Publisher| offered.iter().any(|method| proves(publisher, name, *method));
            closest(publishers, name, usable).is_some_and(|publisher| proves(publisher, name, method))
        })
        .or_else(|| every(&|name, method| publisher(publishers, name, method).is_some()))
        .unwrap_or(offered[0]),
    }
}

/// The closest of the publishers that carry such a record at this name.
pub fn publisher<'a>(publishers: &'a [Publisher], name: &str, method: ValidationMethod) -> Option<&'a Publisher> {
    closest(publishers, name, |publisher| proves(publisher, name, method))
}

/// The closest publisher of one kind, for what was published by such a one.
pub fn publisher_of<'a>(publishers: &'a [Publisher], name: &str, kind: PublisherKind) -> Option<&'a Publisher> {
    closest(publishers, name, |publisher| publisher.target.kind() == kind)
}

fn proves(publisher: &Publisher, name: &str, method: ValidationMethod) -> bool {
    carries(publisher.target.kind(), method) && (method != Http || !name.starts_with("*."))
}

/// The publisher whose zones cover the name most closely, the first of equals; one without zones serves everything that
/// no zone covers.
fn closest<'a>(publishers: &'a [Publisher], name: &str, fits: impl Fn(&Publisher) -> bool) -> Option<&'a Publisher> {
    let mut best: Option<(usize, &Publisher)> = None;
    for publisher in publishers.iter().filter(|publisher| fits(publisher)) {
        let covering = match publisher.zones.as_slice() {
            [] => Some(0),
            zones => zones.iter().filter_map(|zone| match_length(name, zone)).max(),
        };
        if let Some(length) = covering
            && best.is_none_or(|(longest, _)| length > longest)
        {
            best = Some((length, publisher));
        }
    }
    best.map(|(_, publisher)| publisher)
}

/// Octets of the zone, when the name is the zone or below it.
fn match_length(name: &str, zone: &str) -> Option<usize> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let zone = zone.trim_end_matches('.').to_ascii_lowercase();
    let above = name.strip_suffix(&zone)?;
    (!zone.is_empty() && (above.is_empty() || above.ends_with('.'))).then_some(zone.len())
}

#[cfg(test)]
mod tests;
