use super::*;
use crate::{
    api::{
        conditions::{ACTION_REQUIRED, reason},
        issuance::{Operation, State, Trigger},
        issuer::Policy,
    },
    lifecycle::{
        Step,
        certificate::{self, KeyView},
        issuance::Effect,
        record::{self, Change},
        testing::*,
    },
};

/// An issuer whose one rule asks for these.
fn asking(require_approval: &[CostToApprove]) -> IssuerView {
    let rule =
        PolicyRule { name: "all".to_owned(), require_approval: require_approval.to_vec(), ..PolicyRule::default() };
    let mut view = issuer_view();
    if let IssuerView::Ready { spec, .. } = &mut view {
        spec.policy = Some(Policy { rules: vec![rule], ..Policy::default() });
    }
    view
}

fn said(type_: &str, message: &str) -> Condition {
    Condition { type_: type_.to_owned(), ..resolved("Why", message) }
}

/// Recorded and not submitted.
fn recorded() -> IssuanceCase {
    let mut case = IssuanceCase { issuer: asking(&[CostToApprove::Paid]), ..IssuanceCase::new(Operation::Order) };
    case.spec.submissions.clear();
    case
}

fn asked() -> IssuanceCase {
    let mut case = recorded();
    let Step::Do(Effect::AskApproval { message }) = case.decide() else { panic!("{:?}", case.decide()) };
    record::apply(&case.spec, &mut case.status, &Change::AskedApproval(message), case.now);
    case
}

fn waiting(issuer: IssuerView) -> CertificateCase {
    let case = CertificateCase { issuer, ..CertificateCase::new() };
    let mut issuance = issued(1, State::AwaitingApproval, 'a');
    let asked = asked();
    (issuance.spec, issuance.status) = (asked.spec, Some(asked.status));
    case.with(issuance)
}

#[test]
fn a_rule_asks_by_cost() {
    use CostToApprove::{MayCharge, Paid};
    let table = [
        (&[][..], [false, false, false, false]),
        (&[Paid][..], [false, false, true, true]),
        (&[MayCharge][..], [false, true, false, true]),
        (&[Paid, MayCharge][..], [false, true, true, true]),
    ];
    for (asks, expected) in table {
        let rule = PolicyRule { require_approval: asks.to_vec(), ..PolicyRule::default() };
        let costs = [Cost::Free, Cost::MayCharge, Cost::Paid, Cost::Unknown];
        assert_eq!(costs.map(|cost| required(&rule, cost)), expected, "{asks:?}");
    }
}

#[test]
fn what_is_to_be_approved_is_recorded_without_a_submission() {
    let key = KeyView::Stored(stored_key('a', &[NAME]));
    let awaits =
        |issuer: IssuerView| match (CertificateCase { issuer, key: key.clone(), ..CertificateCase::new() }).decide() {
            Ok(Step::Do(certificate::Effect::RecordIntent(plan, _))) => plan.awaits_approval,
            other => panic!("{other:?}"),
        };
    assert!(awaits(asking(&[CostToApprove::Paid])));
    assert!(!awaits(asking(&[CostToApprove::MayCharge])));
    assert!(!awaits(issuer_view()));
}

#[test]
fn a_person_is_asked_once_and_nothing_is_submitted_before_the_answer() {
    let case = asked();
    assert_eq!(case.status.state, Some(State::AwaitingApproval));
    let question = condition(&case.status.conditions, ACTION_REQUIRED).expect("a question");
    assert_eq!(question.reason, reason::APPROVAL_REQUIRED);
    for part in ["Issuance shop-1", "Order (paid) of ssl_basic", NAME, "kubectl patch evisn shop-1 -n web"] {
        assert!(question.message.contains(part), "{part} is not in {}", question.message);
    }
    assert!(matches!(case.decide(), Step::Wait(_)));

    let mut unheard = case.clone();
    unheard.status.conditions.push(Condition { status: "False".to_owned(), ..said(APPROVED, "") });
    assert!(matches!(unheard.decide(), Step::Wait(_)));

    let mut yes = case.clone();
    yes.status.conditions.push(said(APPROVED, ""));
    assert_eq!(yes.decide(), Step::Do(Effect::Append));
    yes.spec.submissions.push(submission(1, 1));
    record::apply(&yes.spec, &mut yes.status, &Change::Appended, yes.now);
    assert!(condition(&yes.status.conditions, ACTION_REQUIRED).is_none() && approved(&yes.status));
}

#[test]
fn a_no_ends_it_also_beside_a_yes_and_after_the_intent() {
    let mut case = asked();
    case.status.conditions.extend([said(APPROVED, ""), said(DENIED, "by Eve: too dear")]);
    let Step::Do(Effect::Deny { message }) = case.decide() else { panic!("{:?}", case.decide()) };
    assert_eq!(message, "it was denied: Why: by Eve: too dear");
    let mut intended = case.clone();
    intended.spec.submissions.push(submission(1, 1));
    intended.fresh = true;
    assert!(matches!(intended.decide(), Step::Do(Effect::Deny { .. })), "not called yet");
    assert!(!crate::lifecycle::issuance::may_call(&intended.spec, &intended.spec, Some(&intended.status)));

    record::apply(&case.spec, &mut case.status, &Change::Denied(message.clone()), case.now);
    assert_eq!(case.status.state, Some(State::Denied));
    assert_eq!(case.decide(), Step::Done);
    assert_eq!(case.status.failure.as_ref().map(|failure| failure.message.clone()), Some(message));
}

#[test]
fn what_was_denied_is_asked_again_when_something_else_is_wanted_or_somebody_insists() {
    let denied = |case: CertificateCase| {
        let mut issuance = issued(1, State::Denied, 'a');
        let status = IssuanceStatus {
            state: Some(State::Denied),
            failure: Some(failure(crate::api::issuance::FailureClass::Denied, 1)),
            ..IssuanceStatus::default()
        };
        issuance.status = Some(status);
        issuance.spec.submissions.clear();
        CertificateCase { key: KeyView::Absent, ..case.with(issuance) }
    };
    for issuer in [asking(&[CostToApprove::Paid]), issuer_view()] {
        let case = CertificateCase { issuer, ..CertificateCase::new() };
        let hindrance = denied(case.clone()).decide().expect_err("hindered");
        assert_eq!((hindrance.reason, hindrance.person), (reason::DENIED, true));
        assert!(hindrance.message.contains("what happened"), "{}", hindrance.message);
        assert!(denied(case.clone().asking("token", None)).decide().is_ok());
        assert!(denied(case.named(&[NAME, "www.example.com"])).decide().is_ok());
    }
}

#[test]
fn what_waits_is_taken_back_when_it_is_not_what_is_wanted() {
    let issuer = || asking(&[CostToApprove::Paid]);
    let back = Ok(Step::Do(certificate::Effect::Supersede { issuance: "shop-1".to_owned() }));
    assert!(matches!(waiting(issuer()).decide(), Ok(Step::Wait(_))));
    assert_eq!(waiting(issuer()).named(&[NAME, "www.example.com"]).decide(), back);
    assert_eq!(waiting(issuer()).asking("token", None).decide(), back);
    let mut anew = waiting(issuer());
    anew.certificate.metadata.uid = Some("other".to_owned());
    assert_eq!(anew.decide(), back, "a Certificate of the same name");
    let other_reason = waiting(issuer()).edit_last(|issuance| issuance.spec.reason = Trigger::Expiring);
    assert_eq!(other_reason.decide(), back);
    let submitted = waiting(issuer()).edit_last(|issuance| issuance.spec.submissions.push(submission(1, 1)));
    assert!(matches!(submitted.named(&[NAME, "www.example.com"]).decide(), Ok(Step::Wait(_))), "it may cost already");

    let mut case = asked();
    record::apply(&case.spec, &mut case.status, &Change::Superseded, case.now);
    assert_eq!((case.status.state, case.decide()), (Some(State::Superseded), Step::Done));
    let mut placed = asked();
    placed.spec.submissions.push(submission(1, 1));
    record::apply(&placed.spec, &mut placed.status, &Change::Superseded, placed.now);
    assert_eq!(placed.status.state, Some(State::AwaitingApproval), "an approval was faster");
}
