//! Which domains of SCM a certificate needs validated, and how each gets there.

use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};

use super::Sectigo;
use super::domains::{DomainMethod, ValidationFilter};
use super::errors;
use super::wire::{DomainValidationInfo, ValidationRow, word};
use crate::provider::validations::bounded;
use crate::provider::{CallError, DcvMethod, DcvRecord, DomainValidation, Validation};

#[async_trait]
impl DomainValidation for Sectigo {
    async fn domains_of(&self, names: &BTreeSet<String>, method: DcvMethod) -> Result<Vec<Validation>, CallError> {
        let rows = self.list_validations(&ValidationFilter::default()).await?;
        let mut validations = BTreeMap::new();
        for name in names {
            let covering = covering(&rows, name);
            let validation = match (covering.iter().find(|row| is_validated(row)), covering.first()) {
                (Some(row), _) => told(domain_of(row), true, &row.dcv_status),
                (None, Some(row)) => self.open_validation(row, method).await?,
                (None, None) => told(name.trim_start_matches("*.").to_owned(), false, &Some("unknown to SCM".into())),
            };
            validations.insert(validation.domain.clone(), validation);
        }
        Ok(bounded(validations.into_values().collect()))
    }

    /// Submitted once, and from then on SCM is made to ask the CA. A record that is not there yet is told by "Error while
    /// validating the domain" (-1603). Mails are answered by people.
    async fn check_domains(&self, domains: &[String], method: DcvMethod) -> Result<(), CallError> {
        if method == DcvMethod::Email {
            return Ok(());
        }
        for domain in domains {
            match self.look_at(domain, method).await {
                Err(CallError::Rejected { code, .. }) if errors::not_validated_yet(&code) => {}
                other => other?,
            }
        }
        Ok(())
    }
}

impl Sectigo {
    async fn look_at(&self, domain: &str, method: DcvMethod) -> Result<(), CallError> {
        let by = match method {
            DcvMethod::DnsCname => DomainMethod::Cname,
            DcvMethod::DnsTxt => DomainMethod::Txt,
            DcvMethod::HttpToken => DomainMethod::Http,
            DcvMethod::Email => DomainMethod::Email,
        };
        if !is_submitted(&self.validation_of(domain).await?) {
            self.submit_validation(domain, by, None).await?;
        }
        self.sync_validation(domain, true).await.map(drop)
    }

    /// What is under way stays; else it is begun.
    async fn open_validation(&self, row: &ValidationRow, method: DcvMethod) -> Result<Validation, CallError> {
        let domain = domain_of(row);
        let known = self.validation_of(&domain).await?;
        let valid = known.status.as_deref().map(word).as_deref() == Some("validated");
        let under_way = is_submitted(&known);
        let open = told(domain.clone(), valid, &known.status);
        if valid {
            return Ok(open);
        }
        if method == DcvMethod::Email {
            let emails = match known.validation_email.filter(|_| under_way) {
                Some(mailed) => vec![mailed],
                None => self.mail(&domain).await?,
            };
            return Ok(Validation { emails, ..open });
        }
        if let Some(record) =
            record(&known, known.order_mode.as_deref()).filter(|known| under_way || known.method == method)
        {
            return Ok(Validation { record: Some(record), ..open });
        }
        let begun = match method {
            DcvMethod::DnsTxt => self.submit_validation(&domain, DomainMethod::Txt, None).await?,
            DcvMethod::DnsCname => self.start_validation(&domain, DomainMethod::Cname).await?,
            DcvMethod::HttpToken | DcvMethod::Email => self.start_validation(&domain, DomainMethod::Http).await?,
        };
        Ok(Validation { record: record(&begun, Some(mode(method))), ..open })
    }

    /// The first address SCM offers, which it puts in front.
    async fn mail(&self, domain: &str) -> Result<Vec<String>, CallError> {
        let Some(email) = self.start_validation(domain, DomainMethod::Email).await?.emails.into_iter().next() else {
            return Ok(Vec::new());
        };
        self.submit_validation(domain, DomainMethod::Email, Some(&email)).await?;
        Ok(vec![email])
    }
}

/// The domains of SCM that a name belongs to, the highest first: the validation of one counts for all below it.
fn covering<'a>(rows: &'a [ValidationRow], name: &str) -> Vec<&'a ValidationRow> {
    let name = name.trim_start_matches("*.").to_ascii_lowercase();
    let covers = |domain: &str| {
        !domain.is_empty() && name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let mut covering: Vec<_> = rows.iter().filter(|row| covers(&domain_of(row))).collect();
    covering.sort_by_key(|row| domain_of(row).len());
    covering
}

fn domain_of(row: &ValidationRow) -> String {
    row.domain.as_deref().unwrap_or_default().trim_start_matches("*.").trim_end_matches('.').to_ascii_lowercase()
}

fn is_submitted(info: &DomainValidationInfo) -> bool {
    info.order_status.as_deref().map(word).as_deref() == Some("submitted")
}

fn is_validated(row: &ValidationRow) -> bool {
    row.dcv_status.as_deref().map(word).as_deref() == Some("validated")
}

fn told(domain: String, valid: bool, status: &Option<String>) -> Validation {
    Validation { domain, valid, record: None, emails: Vec::new(), status: status.clone().unwrap_or_default() }
}

fn mode(method: DcvMethod) -> &'static str {
    super::submission::dcv_mode(method)
}

/// Host and point, or a URL and the two lines its file contains, as SCM has them.
fn record(info: &DomainValidationInfo, mode: Option<&str>) -> Option<DcvRecord> {
    let absolute = |name: &String| name.trim_end_matches('.').to_owned();
    let (name, method, value) = match mode.map(word)?.as_str() {
        "cname" => (info.host.as_ref().map(absolute)?, DcvMethod::DnsCname, info.point.as_ref().map(absolute)?),
        "txt" => (info.host.as_ref().map(absolute)?, DcvMethod::DnsTxt, info.point.clone()?),
        "http" | "https" => {
            let lines = [info.first_line.as_ref()?, info.second_line.as_ref()?];
            (info.url.clone()?, DcvMethod::HttpToken, lines.map(String::as_str).join("\n"))
        }
        _ => return None,
    };
    Some(DcvRecord { name, method, value })
}
