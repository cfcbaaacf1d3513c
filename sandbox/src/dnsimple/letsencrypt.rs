//! What can be ordered by the API: certificates of Let's Encrypt, in two steps, and their renewals.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::{
    errors::{ApiError, Reply},
    fields::Fields,
    gate::Caller,
    issuance,
    keys::{self, Algorithm},
    ledger, lookup, views,
};
use crate::{
    app::App,
    faults::Effects,
    state::{
        World,
        dnsimple::{Authority, Certificate, Domain, Plan, Renewal, RenewalState, State as Progress, Subject},
        records::OperationKind,
    },
};

/// *Let's Encrypt: Order a certificate*
pub async fn purchase(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    Path((_, domain)): Path<(String, String)>,
    body: Fields,
) -> Reply {
    let mut world = app.store.lock();
    let domain = lookup::domain(&world, &caller, &domain)?.clone();
    let asked = Asked::read(&body, &domain)?;
    permitted(&world, &caller, &domain, &asked)?;
    let subject = keys::make(algorithm(&body)?, &asked.common_name, &asked.names).map_err(|_| ApiError::lost())?;
    let id = asked.insert(&mut world, &domain, subject, &effects);
    if caller.settings.purchase_has_own_id {
        let purchase = world.next_id();
        world.dnsimple.certificates.edit(id).into_iter().for_each(|row| row.purchase = purchase);
    }
    ledger::record(&mut world, OperationKind::Order, id, None);
    created(world.dnsimple.certificates.get(id).map(views::purchase))
}

/// *Let's Encrypt: Issue a certificate*, by the id of its purchase.
pub async fn issue(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    Path((_, domain, id)): Path<(String, String, String)>,
) -> Reply {
    let mut world = app.store.lock();
    let domain = lookup::domain(&world, &caller, &domain)?.id;
    let found = purchased(&world, domain, &id).ok_or_else(|| ApiError::not_found("Certificate", &id))?.id;
    request(&mut world, found, &effects)
}

/// A renewal is not issued like this.
fn purchased<'a>(world: &'a World, domain: u64, id: &str) -> Option<&'a Certificate> {
    let renews = |row: &Certificate| world.dnsimple.renewals.iter().any(|renewal| renewal.new == row.id);
    let mut rows = world.dnsimple.certificates.iter().filter(|row| row.domain == domain);
    let found = rows.find(|row| row.purchase.to_string() == id)?;
    (found.authority == Authority::Letsencrypt && !renews(found)).then_some(found)
}

/// *Let's Encrypt: Order a certificate renewal*
pub async fn purchase_renewal(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    Path((_, domain, id)): Path<(String, String, String)>,
    body: Fields,
) -> Reply {
    let mut world = app.store.lock();
    let old = lookup::certificate(&world, &caller, &domain, &id)?.clone();
    let domain = lookup::domain(&world, &caller, &domain)?.clone();
    if old.authority != Authority::Letsencrypt || old.state != Progress::Issued {
        return Err(ApiError::bad("The certificate cannot be renewed"));
    }
    if old.auto_renew {
        return Err(ApiError::bad("The certificate cannot be renewed: auto-renewal is enabled"));
    }
    let asked = Asked { auto_renew: body.flag("auto_renew")?.unwrap_or(false), ..Asked::again(&old) };
    permitted(&world, &caller, &domain, &asked)?;
    let subject = keys::make(algorithm(&body)?, &asked.common_name, &asked.names).map_err(|_| ApiError::lost())?;
    let renewal = renew(&mut world, &domain, &old, asked, subject, &effects);
    created(world.dnsimple.renewals.get(renewal).map(|row| views::renewal(&world, row)))
}

/// *Let's Encrypt: Issue a certificate renewal*
pub async fn issue_renewal(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    Path((_, domain, id, renewal)): Path<(String, String, String, String)>,
) -> Reply {
    let mut world = app.store.lock();
    let old = lookup::certificate(&world, &caller, &domain, &id)?.id;
    let found = renewal.parse().ok().and_then(|id| world.dnsimple.renewals.get(id));
    let row = found.filter(|row| row.old == old).ok_or_else(|| ApiError::not_found("Certificate renewal", &renewal))?;
    let new = row.new;
    request(&mut world, new, &effects)
}

/// A new certificate for what the old one is for, and the renewal that joins them.
pub fn renew(
    world: &mut World,
    domain: &Domain,
    old: &Certificate,
    asked: Asked,
    subject: Subject,
    effects: &Effects,
) -> u64 {
    let new = asked.insert(world, domain, subject, effects);
    let (id, now) = (world.next_id(), world.now());
    world.dnsimple.renewals.insert(Renewal {
        id,
        old: old.id,
        new,
        state: RenewalState::New,
        created: now,
        updated: now,
    });
    ledger::record(world, OperationKind::Renew, new, Some(old.id));
    id
}

/// Let's Encrypt is asked; it takes its time.
fn request(world: &mut World, id: u64, effects: &Effects) -> Reply {
    if world.dnsimple.certificates.get(id).is_none_or(|row| row.state != Progress::New) {
        return Err(ApiError::bad("The certificate cannot be issued"));
    }
    issuance::request(world, id, &effects.quirks);
    let row = world.dnsimple.certificates.get(id).ok_or_else(ApiError::lost)?;
    Ok((StatusCode::ACCEPTED, Json(json!({"data": views::certificate(row)}))).into_response())
}

fn created(data: Option<Value>) -> Reply {
    let data = data.ok_or_else(ApiError::lost)?;
    Ok((StatusCode::CREATED, Json(json!({"data": data}))).into_response())
}

fn algorithm(body: &Fields) -> Result<Algorithm, ApiError> {
    match body.text("signature_algorithm")?.as_deref() {
        None | Some("ECDSA") => Ok(Algorithm::Ecdsa),
        Some("RSA") => Ok(Algorithm::Rsa),
        Some(_) => Err(ApiError::invalid("signature_algorithm", "is not included in the list")),
    }
}

/// What a purchase asks for.
pub struct Asked {
    name: String,
    pub common_name: String,
    alternate_names: Vec<String>,
    pub names: Vec<String>,
    auto_renew: bool,
}

impl Asked {
    fn read(body: &Fields, domain: &Domain) -> Result<Self, ApiError> {
        let name = body.text("name")?.unwrap_or_else(|| "www".to_owned()).to_lowercase();
        let common_name = if name.is_empty() { domain.name.clone() } else { format!("{name}.{}", domain.name) };
        let alternate_names = body.texts("alternate_names")?.unwrap_or_default();
        let alternate_names: Vec<String> = alternate_names.iter().map(|name| name.to_lowercase()).collect();
        let below = format!(".{}", domain.name);
        if alternate_names.iter().any(|name| *name != domain.name && !name.ends_with(&below)) {
            return Err(ApiError::invalid("alternate_names", "must belong to the domain"));
        }
        let mut names = vec![common_name.clone()];
        // "The default certificate name is `www` and covers both the root domain and the `www` subdomain."
        names.extend((name == "www").then(|| domain.name.clone()));
        names.extend(alternate_names.iter().cloned());
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        let auto_renew = body.flag("auto_renew")?.unwrap_or(false);
        Ok(Self { name, common_name, alternate_names, names, auto_renew })
    }

    /// What a certificate was bought for.
    pub fn again(old: &Certificate) -> Self {
        Self {
            name: old.name.clone(),
            common_name: old.common_name.clone(),
            alternate_names: old.alternate_names.clone(),
            names: old.names.clone(),
            auto_renew: old.auto_renew,
        }
    }

    fn insert(self, world: &mut World, domain: &Domain, subject: Subject, effects: &Effects) -> u64 {
        let id = world.next_id();
        world.dnsimple.certificates.insert(Certificate {
            name: self.name,
            common_name: self.common_name,
            alternate_names: self.alternate_names,
            names: self.names,
            auto_renew: self.auto_renew,
            quirks: effects.quirks.clone(),
            hidden_until: effects.hidden_until(),
            ..Certificate::new(id, domain, Authority::Letsencrypt, subject, world.now())
        });
        id
    }
}

/// Invoices, plan and delegation (412 in the vendor's words).
fn permitted(world: &World, caller: &Caller, domain: &Domain, asked: &Asked) -> Result<(), ApiError> {
    let settings = &caller.settings;
    if settings.unpaid_invoices {
        return Err(ApiError::unpaid());
    }
    let email = world.dnsimple.accounts.get(caller.account).map(|account| account.email.clone()).unwrap_or_default();
    if !settings.letsencrypt {
        let message = format!("Let's Encrypt feature is not enabled for the account {email}");
        return Err(ApiError::not_in_plan(message));
    }
    let wildcard = asked.names.iter().any(|name| name.starts_with("*."));
    let lacks =
        [(wildcard, "wildcard"), (asked.name != "www", "custom-name"), (!asked.alternate_names.is_empty(), "SAN")];
    if let Some((_, feature)) = lacks.iter().find(|(needed, _)| *needed && settings.plan < Plan::Teams) {
        return Err(ApiError::not_in_plan(format!(
            "The certificate requires the {feature} feature that is not available on the current plan for the account \
             {email}"
        )));
    }
    if !domain.delegated {
        return Err(ApiError::bad(format!("The domain {} is not delegated to DNSimple", domain.name)));
    }
    Ok(())
}
