use super::*;
use crate::{
    api::{
        certificate::{Workload, WorkloadKind},
        conditions::condition,
        issuance::State,
    },
    lifecycle::{
        certificate::{IssuerView, SecretView},
        present,
        testing::{CertificateCase, issued, leaf},
    },
};

/// A served Certificate that names a workload, last restarted for this certificate.
fn case(restarted_for: Option<&str>, restarts: Restarts) -> CertificateCase {
    let mut case = CertificateCase { restarts, ..CertificateCase::served() };
    case.certificate.spec.rollout_restart = vec![Workload { kind: WorkloadKind::Deployment, name: "shop".to_owned() }];
    let restarted_for = restarted_for.map(str::to_owned);
    case.certificate.status = Some(CertificateStatus { restarted_for, ..CertificateStatus::default() });
    case
}

fn done(restarted: &[&str], missing: &[&str]) -> Restarts {
    let own = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    Restarts::Done { restarted: own(restarted), missing: own(missing) }
}

fn restart() -> Result<Step<Effect>, Hindrance> {
    Ok(Step::Do(Effect::Restart { fingerprint: leaf().fingerprint_sha256 }))
}

fn shown(case: &CertificateCase) -> (Option<String>, Option<(String, String, String)>) {
    let status = present::status(&case.observed(), &case.decide());
    let condition = condition(&status.conditions, RESTARTED);
    let told = condition.map(|c| (c.status.clone(), c.reason.clone(), c.message.clone()));
    (status.restarted_for, told)
}

#[test]
fn workloads_are_restarted_for_another_certificate_and_for_no_first_one() {
    assert_eq!(case(Some("another"), Restarts::Untried).decide(), restart());
    let served = CertificateCase::served().decide();
    assert_eq!(case(None, Restarts::Untried).decide(), served, "named first, or a first certificate");
    assert_eq!(case(Some(&leaf().fingerprint_sha256), Restarts::Untried).decide(), served, "done already");
    let mut unnamed = case(Some("another"), Restarts::Untried);
    unnamed.certificate.spec.rollout_restart.clear();
    assert_eq!(unnamed.decide(), served);
    let lost = CertificateCase { secret: SecretView::Absent, ..case(Some("another"), Restarts::Untried) };
    assert_ne!(lost.decide(), restart(), "there is nothing to load");
}

#[test]
fn all_else_goes_first_and_nothing_waits_for_it() {
    let ready = case(Some("another"), Restarts::Untried).with(issued(2, State::Issued, 'b'));
    assert_eq!(ready.decide(), Ok(Step::Do(Effect::Install { issuance: "shop-2".to_owned() })));
    let waiting = case(Some("another"), Restarts::Untried).with(issued(2, State::Validating, 'b'));
    assert_eq!(waiting.decide(), restart());
    let hindered = case(Some("another"), Restarts::Untried).named(&["www.example.com"]);
    assert_eq!(CertificateCase { issuer: IssuerView::Missing, ..hindered }.decide(), restart());
}

#[test]
fn what_was_refused_is_tried_again_later_and_not_at_once() {
    let refused = || Restarts::Refused("Deployment shop: no".to_owned());
    assert_eq!(case(Some("another"), refused()).decide(), Ok(Step::Wait(RETRY)));
    let hindered = case(Some("another"), refused()).named(&["www.example.com"]);
    let hindered = CertificateCase { issuer: IssuerView::Missing, ..hindered }.decide();
    assert_eq!(
        hindered.map_err(|hindrance| (hindrance.reason, hindrance.again)),
        Err((reason::ISSUER_NOT_FOUND, Some(RETRY)))
    );
    let (restarted_for, told) = shown(&case(Some("another"), refused()));
    assert_eq!(restarted_for.as_deref(), Some("another"), "so it is tried again");
    assert_eq!(told, Some(("False".to_owned(), reason::RESTART_REFUSED.to_owned(), "Deployment shop: no".to_owned())));
}

#[test]
fn a_user_sees_what_was_restarted_and_what_is_missing() {
    let fingerprint = leaf().fingerprint_sha256;
    let told = |restarts| shown(&case(Some("another"), restarts));
    let (restarted_for, condition) = told(done(&["Deployment shop"], &[]));
    assert_eq!(restarted_for.as_deref(), Some(fingerprint.as_str()));
    let message = format!("restarted for certificate {}: Deployment shop", leaf().serial);
    assert_eq!(condition, Some(("True".to_owned(), reason::RESTARTED.to_owned(), message)));

    let (restarted_for, condition) = told(done(&[], &["Deployment shop"]));
    assert_eq!(restarted_for.as_deref(), Some(fingerprint.as_str()), "made later, it finds the new pair");
    let missing = "not there: Deployment shop".to_owned();
    assert_eq!(condition, Some(("False".to_owned(), reason::WORKLOAD_NOT_FOUND.to_owned(), missing)));

    assert_eq!(shown(&case(None, Restarts::Untried)), (Some(fingerprint), None), "from now on");
    assert_eq!(shown(&CertificateCase::served()), (None, None));
}
