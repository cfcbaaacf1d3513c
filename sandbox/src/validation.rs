//! Which names of a certificate have to be validated, what counts as validated already, and how the rest is checked.

use std::net::SocketAddr;

use jiff::{SignedDuration, Timestamp};

use crate::{
    ca,
    clock::day,
    dcv, products,
    products::Validation,
    rules,
    state::{
        World,
        records::{Domain, NameCheck, Token},
    },
};

/// How control over a name is looked for.
pub enum DcvCheck {
    /// Whoever asks is believed.
    Instant,
    Real {
        /// The name server that is asked.
        resolver: SocketAddr,
        http_port: u16,
        https_port: u16,
    },
}

impl DcvCheck {
    pub fn is_instant(&self) -> bool {
        matches!(self, Self::Instant)
    }

    /// Looks for `token` at the names of `check`. Answers the domains that are proven, enough to cover all of them.
    pub async fn check(&self, method: &str, check: &NameCheck, token: &str) -> Result<Vec<String>, String> {
        let Self::Real { resolver, http_port, .. } = self else {
            return Ok(vec![check.scope.clone()]);
        };
        let mut proven: Vec<String> = Vec::new();
        for name in &check.dns_names {
            if proven.iter().any(|domain| rules::covers(domain, name)) {
                continue;
            }
            let found = match method {
                "dns-txt-token" => dcv::check_txt(*resolver, name, token).await,
                "dns-cname-token" => dcv::check_cname(*resolver, name, token).await,
                "http-token" | "http-token-dynamic" => dcv::check_http(*resolver, name, *http_port, token).await,
                _ => return Err(format!("{name} waits for an answer by e-mail.")),
            };
            proven.push(found.map_err(|failure| format!("{name}: {failure}."))?);
        }
        Ok(proven)
    }
}

/// Lays down the checks of a certificate. DV validates every name anew; OV and EV reuse what is known of the domain.
pub fn begin(world: &mut World, certificate: u64, instant: bool) {
    let Some((order, names)) = world.certificates.get(certificate).map(|row| (row.order, row.dns_names.clone())) else {
        return;
    };
    let Some(order) = world.orders.get(order).cloned() else {
        return;
    };
    let dv = products::find(&order.product).is_none_or(|product| product.validation == Validation::Dv);
    let mut checks: Vec<NameCheck> = Vec::new();
    for name in &names {
        let base = rules::base_name(name).to_owned();
        let known = if dv { None } else { covering(world, order.account, &base) };
        let scope = known.as_ref().map_or(base, |domain| domain.name.clone());
        match checks.iter_mut().find(|check| check.scope == scope) {
            Some(check) => check.dns_names.push(name.clone()),
            None => {
                let approved = known.as_ref().is_some_and(|domain| valid(world, domain));
                let domain = known.map(|domain| domain.id);
                checks.push(NameCheck { scope, dns_names: vec![name.clone()], domain, approved });
            }
        }
    }
    if checks.iter().any(|check| !check.approved) {
        let token = live_token(world, order.id);
        for check in checks.iter_mut().filter(|check| !check.approved) {
            if !dv {
                let domain =
                    check.domain.unwrap_or_else(|| add_domain(world, order.account, order.organization, &check.scope));
                check.domain = Some(domain);
                if let Some(domain) = world.domains.edit(domain) {
                    domain.dcv_method.clone_from(&order.dcv_method);
                    domain.token = token.clone();
                    domain.active = true;
                }
                if instant {
                    let scope = check.scope.clone();
                    approve(world, check, &[scope]);
                }
            }
        }
    }
    if let Some(row) = world.certificates.edit(certificate) {
        row.checks = Some(checks);
    }
}

/// Who gets the mail about a domain (Baseline Requirements §3.2.2.4.4).
pub fn addresses(domain: &str) -> Vec<String> {
    ["admin", "administrator", "hostmaster", "postmaster", "webmaster"].map(|name| format!("{name}@{domain}")).to_vec()
}

/// Somebody followed the link in a mail: one scope is vouched for.
pub fn approve_scope(world: &mut World, certificate: u64, scope: &str) {
    let Some(mut checks) = world.certificates.get(certificate).and_then(|row| row.checks.clone()) else {
        return;
    };
    for check in checks.iter_mut().filter(|check| !check.approved && check.scope == scope) {
        approve(world, check, &[scope.to_owned()]);
    }
    if let Some(row) = world.certificates.edit(certificate) {
        row.checks = Some(checks);
    }
}

/// Checks whose domain has been validated elsewhere in the meantime need no more.
pub fn refresh(world: &mut World, certificate: u64) {
    let Some(mut checks) = world.certificates.get(certificate).and_then(|row| row.checks.clone()) else {
        return;
    };
    let mut news = false;
    for check in checks.iter_mut().filter(|check| !check.approved) {
        let domain = check.domain.and_then(|id| world.domains.get(id));
        check.approved = domain.is_some_and(|domain| valid(world, domain));
        news |= check.approved;
    }
    if news && let Some(row) = world.certificates.edit(certificate) {
        row.checks = Some(checks);
    }
}

/// A person vouches for every name, as by answering the e-mails.
pub fn approve_all(world: &mut World, certificate: u64) {
    let Some(mut checks) = world.certificates.get(certificate).and_then(|row| row.checks.clone()) else {
        return;
    };
    for check in checks.iter_mut().filter(|check| !check.approved) {
        let scope = check.scope.clone();
        approve(world, check, &[scope]);
    }
    if let Some(row) = world.certificates.edit(certificate) {
        row.checks = Some(checks);
    }
}

/// Control was shown over `proven`, which covers the scope or each of its names.
pub fn approve(world: &mut World, check: &mut NameCheck, proven: &[String]) {
    let now = world.now();
    check.approved = true;
    let Some((account, organization)) =
        check.domain.and_then(|id| world.domains.get(id)).map(|domain| (domain.account, domain.organization))
    else {
        return;
    };
    for name in proven {
        let known = world.domains.iter().find(|row| row.account == account && row.name == *name).map(|row| row.id);
        let domain = known.unwrap_or_else(|| add_domain(world, account, organization, name));
        if let Some(domain) = world.domains.edit(domain) {
            domain.validated = Some(now);
        }
    }
}

/// The random value of an order; a new one only when there is none that still lives.
pub fn live_token(world: &mut World, order: u64) -> Token {
    let now = world.now();
    let known = world.orders.get(order).and_then(|order| order.token.clone());
    if let Some(token) = known.filter(|token| token.expires > now) {
        return token;
    }
    let token = new_token(now);
    if let Some(order) = world.orders.edit(order) {
        order.token = Some(token.clone());
    }
    token
}

pub fn new_token(now: Timestamp) -> Token {
    let alphabet = b"abcdefghijklmnopqrstuvwxyz012345";
    let value =
        ca::random_bytes::<32>().iter().map(|byte| alphabet[usize::from(*byte) % alphabet.len()] as char).collect();
    Token { value, expires: now + SignedDuration::from_hours(24 * rules::RANDOM_VALUE_DAYS) }
}

pub fn valid(world: &World, domain: &Domain) -> bool {
    let now = world.now();
    rules::reusable(domain.validated, rules::limits(day(now)).domain, now)
}

/// The domain of the account that speaks for a name: a validated one first, then the closest.
fn covering(world: &World, account: u64, name: &str) -> Option<Domain> {
    world
        .domains
        .iter()
        .filter(|domain| domain.account == account && domain.active)
        .filter(|domain| rules::covers(&domain.name, name))
        .max_by_key(|domain| (valid(world, domain), domain.name.len()))
        .cloned()
}

pub fn add_domain(world: &mut World, account: u64, organization: Option<u64>, name: &str) -> u64 {
    let id = world.next_id();
    let now = world.now();
    world.domains.insert(Domain {
        id,
        account,
        organization,
        name: name.to_owned(),
        created: now,
        active: true,
        dcv_method: "dns-txt-token".into(),
        token: new_token(now),
        validated: None,
    });
    id
}
