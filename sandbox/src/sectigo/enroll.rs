//! *Request SSL certificate*: what is asked is checked, then accepted once and recorded.

use std::sync::Arc;

use axum::{Extension, Json, extract::State, response::IntoResponse};
use serde_json::json;

use super::{
    asked::{self, Asked},
    errors::Reply,
    fields::Fields,
    gate::Caller,
    issuance, ledger,
};
use crate::{
    app::App,
    ca::random_bytes,
    faults::Effects,
    state::{
        World,
        records::OperationKind,
        scm::{AutoRenewal, AutoRenewalState, DcvMode, FieldValue, Ssl, Status, Version},
    },
};

/// `POST enroll`
pub async fn enroll(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    fields: Fields,
) -> Reply {
    let names = names(&fields)?;
    let csr = Asked::read(fields.required("csr", usize::MAX)?, None, names)?;
    let mut world = app.store.lock();
    accept(&mut world, &caller, &effects, &fields, csr)
}

/// `subjAltNames` is one string with commas, unlike anywhere else.
pub fn names(fields: &Fields) -> Result<Vec<String>, super::errors::ApiError> {
    let names = fields.text("subjAltNames", usize::MAX)?.unwrap_or_default();
    Ok(names.split(',').map(|name| name.trim().to_owned()).collect())
}

/// `POST enroll`, and what follows a key made for `POST enroll-keygen`.
pub fn accept(world: &mut World, caller: &Caller, effects: &Effects, fields: &Fields, asked: Asked) -> Reply {
    let organization = asked::organization(world, caller, fields.id("orgId")?)?;
    let profile = asked::profile(world, caller, fields.id("certType")?)?;
    let term = asked::term(world, profile, fields.number("term")?)?;
    asked::check_organization(world, organization, profile)?;
    let comments = fields.text("comments", 1024)?.unwrap_or_default();
    let external_requester = asked::external_requester(fields)?.unwrap_or_default();
    let custom_fields = fields.custom_fields()?.unwrap_or_default();
    asked::check_custom_fields(world, caller, &custom_fields)?;
    let (dcv_mode, dcv_email) = asked::dcv(fields, caller)?;
    asked.check(world, caller, organization.id, profile)?;

    let (organization, profile) = (organization.id, profile.id);
    let version = asked.into_version(world, None, effects);
    let request =
        Request { organization, profile, term, dcv_mode, dcv_email, comments, external_requester, custom_fields };
    let ssl = insert(world, caller, request, version, None, effects);
    ledger::record(world, OperationKind::Enroll, ssl);
    let renew_id = world.scm.certificates.get(ssl).map(|row| row.renew_id.clone());
    issuance::begin(world, ssl);
    Ok(Json(json!({"sslId": ssl, "renewId": renew_id})).into_response())
}

/// Everything that a request says beside its certificate.
pub struct Request {
    pub organization: u64,
    pub profile: u64,
    pub term: i32,
    pub dcv_mode: Option<DcvMode>,
    pub dcv_email: Option<String>,
    pub comments: String,
    pub external_requester: String,
    pub custom_fields: Vec<FieldValue>,
}

pub fn insert(
    world: &mut World,
    caller: &Caller,
    request: Request,
    version: Version,
    renewal_of: Option<u64>,
    effects: &Effects,
) -> u64 {
    let id = world.next_id();
    let requested = world.now();
    world.scm.certificates.insert(Ssl {
        id,
        customer: caller.customer,
        organization: request.organization,
        profile: request.profile,
        term: request.term,
        status: Status::Requested,
        shown_status: None,
        requested,
        requested_via: "REST API".into(),
        approved: None,
        declined: None,
        replaced: None,
        requester: caller.admin.login.clone(),
        requester_id: caller.admin.id,
        owner: None,
        external_requester: request.external_requester,
        comments: request.comments,
        custom_fields: request.custom_fields,
        renew_id: renew_id(),
        renewal_of,
        renewed: None,
        renewed_by: None,
        backend_id: None,
        dcv_mode: request.dcv_mode,
        dcv_email: request.dcv_email,
        key_at_agent: false,
        versions: vec![version],
        auto_renewal: AutoRenewal { state: AutoRenewalState::NotScheduled, days_before: 30 },
        suspend_notifications: false,
        locations: Vec::new(),
        hidden_until: effects.hidden_until(),
    });
    id
}

/// 20 characters, `-` and `_` among them.
fn renew_id() -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(random_bytes::<15>())
}
