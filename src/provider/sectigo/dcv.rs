//! Domain validation with a certificate, for customers whose pre-validation is off.

use serde_json::Value;

use super::client::Call;
use super::endpoints::{DCV, DCV_RECHECK};
use super::wire::{DcvInfo, DcvInstruction, word};
use super::{Sectigo, ValidationModel};
use crate::provider::{CallError, DcvMethod, DcvRecord, Placed, Validation};

impl Sectigo {
    pub(super) async fn open_validations(
        &self,
        placed: &Placed,
        _method: DcvMethod,
    ) -> Result<Vec<Validation>, CallError> {
        match self.validation {
            ValidationModel::PerCertificate => Ok(validations(self.dcv(&placed.order_id).await?)),
            ValidationModel::PerDomain | ValidationModel::Prevalidated => Ok(Vec::new()),
        }
    }

    pub(super) async fn ask_to_check(&self, placed: &Placed) -> Result<(), CallError> {
        match self.validation {
            ValidationModel::PerCertificate => self.recheck_dcv(&placed.order_id).await.map(drop),
            ValidationModel::PerDomain | ValidationModel::Prevalidated => Ok(()),
        }
    }

    /// *DCV process info*: a list in the description, one object in the page.
    pub async fn dcv(&self, id: &str) -> Result<Vec<DcvInfo>, CallError> {
        let answer = self.client.call(Call::of(&DCV, id)).await?;
        match serde_json::from_slice::<Value>(&answer.body) {
            Ok(Value::Array(_)) => answer.list(),
            _ => Ok(vec![answer.read()?]),
        }
    }

    /// *Recheck DCV process info*: 202, without instructions.
    pub async fn recheck_dcv(&self, id: &str) -> Result<DcvInfo, CallError> {
        let answer = self.client.call(Call::of(&DCV_RECHECK, id)).await?;
        if answer.is_empty() { Ok(DcvInfo::default()) } else { answer.read() }
    }
}

/// One for each domain that is named, with what has to be published in SCM's own words.
fn validations(infos: Vec<DcvInfo>) -> Vec<Validation> {
    let mut validations: Vec<Validation> = Vec::new();
    let domain = |name: &Option<String>| {
        let name = name.as_deref().unwrap_or_default().trim_start_matches("*.").trim_end_matches('.');
        Some(name.to_ascii_lowercase()).filter(|name| !name.is_empty())
    };
    for info in &infos {
        for row in &info.dcv_log.log {
            let Some(domain) = domain(&row.domain_name) else { continue };
            let status = row.dcv_status.clone().unwrap_or_default();
            let valid = row.dcv_date.is_some() || matches!(word(&status).as_str(), "validated" | "valid");
            match validations.iter_mut().find(|known| known.domain == domain) {
                // Open as long as any row of it is.
                Some(known) if known.valid => (known.valid, known.status) = (valid, status),
                Some(_) => {}
                None => validations.push(Validation { domain, valid, record: None, emails: Vec::new(), status }),
            }
        }
        for instruction in &info.instructions {
            let Some(domain) = domain(&instruction.domain_name) else { continue };
            let status = "Awaiting Validation".to_owned();
            let open = Validation { domain, valid: false, record: None, emails: Vec::new(), status };
            let at = validations.iter().position(|known| known.domain == open.domain);
            let at = at.unwrap_or_else(|| {
                validations.push(open);
                validations.len() - 1
            });
            if !validations[at].valid {
                validations[at].record = record(instruction);
                validations[at].emails = instruction.dcv_email.clone().into_iter().collect();
            }
        }
    }
    validations
}

/// *DcvInstructionResp*: a record's host and point, or a file's URL and what it contains. Taken as they are: a key that is
/// used again gets a label more.
fn record(instruction: &DcvInstruction) -> Option<DcvRecord> {
    let absolute = |name: &String| name.trim_end_matches('.').to_owned();
    let (name, method, value) = match instruction.dcv_mode.as_deref().map(word).unwrap_or_default().as_str() {
        "cname" => {
            (instruction.host.as_ref().map(absolute)?, DcvMethod::DnsCname, instruction.point.as_ref().map(absolute)?)
        }
        "txt" => (instruction.host.as_ref().map(absolute)?, DcvMethod::DnsTxt, instruction.point.clone()?),
        "http" | "https" => (instruction.url.clone()?, DcvMethod::HttpToken, instruction.file.clone()?),
        _ => return None,
    };
    Some(DcvRecord { name, method, value })
}
