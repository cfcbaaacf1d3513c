//! The customers every sandbox begins with, and what the line of JSON says of them.

use std::collections::BTreeMap;

use rcgen::ExtendedKeyUsagePurpose;
use serde_json::{Value, json};

use super::TOKEN_PATH;
use crate::{
    app::App,
    ca::{Ca, hex, random_bytes},
    state::{
        World,
        scm::{
            Admin, Approvals, Client, Customer, Delegation, Domain, Identity, Organization, Profile, Settings,
            Validation,
        },
    },
    tls,
};

/// One customer with the per-certificate validation, one that validates its domains ahead. Nothing when there are some.
pub fn furnish(world: &mut World, ca: &Ca, zones: &[String], validated: &[String]) -> Result<(), rcgen::Error> {
    if world.scm.customers.iter().next().is_some() {
        return Ok(());
    }
    add(world, ca, "sandbox", Settings::default(), zones, validated)?;
    let prevalidated = Settings { prevalidated: true, ..Settings::default() };
    add(world, ca, "sandbox-prevalidated", prevalidated, zones, validated)?;
    Ok(())
}

pub fn add(
    world: &mut World,
    ca: &Ca,
    uri: &str,
    settings: Settings,
    zones: &[String],
    validated: &[String],
) -> Result<u64, rcgen::Error> {
    let id = world.next_id();
    let login = format!("admin_{uri}");
    let identity = tls::identity(ca, &login, Vec::new(), ExtendedKeyUsagePurpose::ClientAuth)?;
    let mut admin = |login: String, identity: Option<tls::Identity>| Admin {
        id: world.next_id(),
        login,
        password: hex(&random_bytes::<12>()),
        view_only: identity.is_none(),
        identity: identity.map(|made| Identity { certificate: made.certificate, key: made.key }),
    };
    let admins = [admin(login, Some(identity)), admin(format!("viewer_{uri}"), None)];
    world.scm.customers.insert(Customer {
        id,
        name: format!("{uri} Ltd"),
        uri: uri.to_owned(),
        admins: admins.to_vec(),
        client: Client { id: format!("client-{uri}"), secret: hex(&random_bytes::<16>()), generation: 0 },
        settings,
    });
    let organization = add_organization(world, id, &format!("{uri} Ltd"), None);
    let department = add_organization(world, id, "Web", Some(organization));
    for profile in PROFILES {
        add_profile(world, id, profile);
    }
    for zone in zones {
        let now = world.now();
        let domain = world.next_id();
        let delegation = |organization| Delegation {
            organization,
            cert_types: vec!["SSL".into()],
            privileges: Vec::new(),
            requested: false,
        };
        world.scm.domains.insert(Domain {
            id: domain,
            customer: id,
            name: zone.clone(),
            active: true,
            delegations: vec![delegation(organization), delegation(department)],
            validated: validated.contains(zone).then_some(now),
            method: None,
            order: None,
        });
    }
    Ok(id)
}

fn add_organization(world: &mut World, customer: u64, name: &str, parent: Option<u64>) -> u64 {
    let (id, validated) = (world.next_id(), Some(world.now()));
    let details = json!({
        "address1": "1 Main Street", "city": "Springfield", "stateOrProvince": "Illinois", "postalCode": "62701",
        "country": "US", "sslCertsApiEnabled": true, "clientCertsApiEnabled": false,
    });
    let details = super::details::object(details).into_iter().collect();
    let name = name.to_owned();
    world.scm.organizations.insert(Organization { id, customer, name, parent, validated, details });
    id
}

/// Key in the line of JSON, name, validation, approvals, renewable, replaceable.
type Template = (&'static str, &'static str, Validation, Approvals, bool, bool);

const PROFILES: [Template; 7] = [
    ("ov", "Sandbox OV", Validation::Ov, Approvals::None, true, true),
    ("dv", "Sandbox DV", Validation::Dv, Approvals::None, true, true),
    ("ev", "Sandbox EV", Validation::Ev, Approvals::One, true, true),
    ("approved", "Sandbox OV, approved by an administrator", Validation::Ov, Approvals::One, true, true),
    ("approvedTwice", "Sandbox OV, approved by two administrators", Validation::Ov, Approvals::Two, true, true),
    ("notRenewable", "Sandbox OV, never renewed", Validation::Ov, Approvals::None, false, true),
    ("notReplaceable", "Sandbox OV, never replaced", Validation::Ov, Approvals::None, true, false),
];

fn add_profile(world: &mut World, customer: u64, template: Template) {
    let (_, name, validation, approvals, renewable, replaceable) = template;
    let id = world.next_id();
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let key_types = BTreeMap::from([
        ("RSA".to_owned(), texts(&["2048", "3072", "4096"])),
        ("EC".to_owned(), texts(&["P-256", "P-384"])),
    ]);
    world.scm.profiles.insert(Profile {
        id,
        customer,
        name: name.to_owned(),
        validation,
        terms: vec![30, 90, 365],
        key_types,
        approvals,
        renewable,
        replaceable,
        deleted: false,
    });
}

/// The first customer as a client needs it, and beside it the one that validates domains ahead.
pub fn ready(app: &App, world: &World, zones: &[String]) -> Value {
    let mut customers = world.scm.customers.iter().map(|customer| view(app, world, customer, zones));
    let mut first = customers.next().unwrap_or_default();
    first["prevalidated"] = customers.next().unwrap_or_default();
    first
}

pub fn view(app: &App, world: &World, customer: &Customer, zones: &[String]) -> Value {
    let mut organizations = world.scm.organizations.iter().filter(|row| row.customer == customer.id);
    let organization = organizations.next().map(|row| row.id);
    let mine = world.scm.profiles.iter().filter(|row| row.customer == customer.id);
    let named = |row: &Profile| PROFILES.iter().find(|template| template.1 == row.name).map(|template| template.0);
    let profiles: BTreeMap<&str, u64> = mine.filter_map(|row| Some((named(row)?, row.id))).collect();
    let admin = |at: usize| customer.admins.get(at);
    json!({
        "url": format!("{}/api", app.url),
        "customerId": customer.id,
        "customerUri": customer.uri,
        "login": admin(0).map(|admin| &admin.login),
        "password": admin(0).map(|admin| &admin.password),
        "viewer": {"login": admin(1).map(|admin| &admin.login), "password": admin(1).map(|admin| &admin.password)},
        "clientCertificate": admin(0).and_then(|admin| admin.identity.as_ref()).map(|identity| json!({
            "url": format!("{}/private/api", app.tls_url),
            "certificate": identity.certificate,
            "key": identity.key,
        })),
        "tokenUrl": format!("{}{TOKEN_PATH}", app.url),
        "clientId": customer.client.id,
        "clientSecret": customer.client.secret,
        "orgId": organization,
        "departmentId": organizations.next().map(|row| row.id),
        "profileId": profiles.get("ov"),
        "profiles": profiles,
        "domains": zones,
        "settings": customer.settings,
    })
}
