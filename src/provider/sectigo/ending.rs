//! What ends a certificate: revocation, and declining what nobody has approved yet.

use serde_json::{Value, json};

use super::certificates::Filter;
use super::client::Call;
use super::endpoints::{DECLINE, REVOKE, REVOKE_BY_SERIAL};
use super::wire::Status;
use super::{Sectigo, errors};
use crate::pki::normalise_serial;
use crate::provider::{CallError, Placed, RevocationReason, Revoked};

impl Sectigo {
    /// By serial number, since an id means whatever is behind it by now. Ids are decimal and short.
    pub(super) async fn revoke_certificate(
        &self,
        certificate: &str,
        reason: RevocationReason,
    ) -> Result<Revoked, CallError> {
        let is_id = certificate.len() <= 10 && certificate.bytes().all(|byte| byte.is_ascii_digit());
        if is_id {
            return self.revoke_by_id(certificate, reason).await;
        }
        match self.revoke_by_serial(certificate, reason).await {
            Err(CallError::Rejected { code, .. }) if errors::already_revoked(&code) => Ok(Revoked::Done),
            Err(CallError::Rejected { code, .. })
                if errors::not_issued(&code) && self.is_revoked(certificate).await? =>
            {
                Ok(Revoked::Done)
            }
            other => other.map(|()| Revoked::Done),
        }
    }

    /// The certificate that is behind the id now.
    pub(super) async fn revoke_by_id(&self, id: &str, reason: RevocationReason) -> Result<Revoked, CallError> {
        match self.client.call(Call::of(&REVOKE, id).json(&self.reason(reason))).await {
            Err(CallError::Rejected { code, .. }) if errors::already_revoked(&code) => Ok(Revoked::Done),
            Err(CallError::Rejected { code, .. })
                if errors::not_issued(&code) && self.details(id).await?.status() == Status::Revoked =>
            {
                Ok(Revoked::Done)
            }
            other => other.map(|_| Revoked::Done),
        }
    }

    async fn revoke_by_serial(&self, serial: &str, reason: RevocationReason) -> Result<(), CallError> {
        let serial = colons(serial);
        self.client.call(Call::of(&REVOKE_BY_SERIAL, &serial).json(&self.reason(reason))).await.map(drop)
    }

    async fn is_revoked(&self, serial: &str) -> Result<bool, CallError> {
        let filter = Filter { serial_number: Some(colons(serial)), ..Filter::default() };
        for row in self.list(&filter).await? {
            let same = |shown: &String| normalise_serial(shown) == normalise_serial(serial);
            if row.serial_number.as_ref().is_some_and(same)
                && let Some(id) = row.ssl_id
            {
                return Ok(self.details(&id).await?.status() == Status::Revoked);
            }
        }
        Ok(false)
    }

    /// *RevokeRequest*: both are mandatory.
    fn reason(&self, reason: RevocationReason) -> Value {
        let (code, words) = match reason {
            RevocationReason::KeyCompromise => (1, "key compromise"),
            RevocationReason::Superseded => (4, "superseded"),
            RevocationReason::CessationOfOperation => (5, "cessation of operation"),
        };
        json!({ "reasonCode": self.client.version.code(code), "reason": format!("Revoked by Evercert: {words}") })
    }

    /// SCM has no other way back: what is approved goes on to the CA, and a replacement that is under way ends by itself.
    pub(super) async fn decline_pending(&self, placed: &Placed, note: &str) -> Result<(), CallError> {
        let details = self.details(&placed.order_id).await?;
        let unissued = details.issued.is_none() && details.serial_number.is_none();
        if unissued && matches!(details.status(), Status::Requested | Status::SaApproved) {
            return self.decline(&placed.order_id, note).await;
        }
        let status = details.status.unwrap_or_else(|| "of unknown status".to_owned());
        Err(CallError::Rejected {
            call: DECLINE.name,
            code: "not_pending".into(),
            message: format!(
                "certificate {} is {status}, and only what waits for approval can be declined",
                placed.order_id
            ),
        })
    }

    /// *Decline SSL certificate*.
    pub async fn decline(&self, id: &str, message: &str) -> Result<(), CallError> {
        self.client.call(Call::of(&DECLINE, id).json(&json!({ "message": message }))).await.map(drop)
    }
}

/// `a93ec0…` as `A9:3E:C0:…`, which is how SCM writes serial numbers.
fn colons(serial: &str) -> String {
    let serial = normalise_serial(serial).to_ascii_uppercase();
    let padded = if serial.len() % 2 == 1 { format!("0{serial}") } else { serial };
    let digits: Vec<char> = padded.chars().collect();
    digits.chunks(2).map(|pair| pair.iter().collect::<String>()).collect::<Vec<_>>().join(":")
}
