//! What is recorded, in the words of the provider trait.

use super::Work;
use crate::{
    api::{
        IssuanceSpec,
        certificate::Validity,
        issuance::Operation,
        issuer::{OrderValidity, PaymentMethod},
    },
    controller::error::Error,
    lifecycle::validity::requested_days,
    provider::{self, DcvMethod, Placed, Request},
};

impl Work {
    pub(super) fn request(&self) -> Result<Request, Error> {
        let spec = &self.issuance.spec;
        let asked = &spec.request;
        let issuer = self.issuer.as_ref().and_then(|issuer| issuer.spec.digicert.clone()).unwrap_or_default();
        let days = requested_days(asked.validity.as_ref(), None, self.context.clock.now())
            .map_err(|error| Error::Issuer(error.to_string()))?;
        Ok(Request {
            operation: operation(spec),
            product: asked.product.clone(),
            common_name: asked.common_name.clone(),
            dns_names: asked.dns_names.clone(),
            csr: asked.csr.clone(),
            signature_hash: asked.signature_hash.as_str().to_owned(),
            validity: match (&asked.validity, days) {
                (Some(Validity::Until(until)), _) => until.parse().ok().map(provider::Validity::Until),
                (_, days) => days.map(provider::Validity::Days),
            },
            order_validity: asked.order_validity.map(|validity| match validity {
                OrderValidity::Years(years) => provider::Validity::Years(years.try_into().unwrap_or(1)),
                OrderValidity::Days(days) => provider::Validity::Days(days.try_into().unwrap_or(1)),
            }),
            organization_id: asked.organization_id.and_then(|id| id.try_into().ok()),
            container_id: issuer.container_id.and_then(|id| id.try_into().ok()),
            skip_approval: issuer.skip_approval.unwrap_or(true),
            payment_method: issuer.payment_method.map(|method| {
                match method {
                    PaymentMethod::Balance => "balance",
                    PaymentMethod::Card => "card",
                    PaymentMethod::Profile => "profile",
                }
                .to_owned()
            }),
            disable_renewal_notifications: issuer.disable_renewal_notifications.unwrap_or(false),
            dcv_method: self.dcv_method(),
            idempotency_key: spec.idempotency_key.clone(),
        })
    }

    pub(super) fn placed(&self) -> Result<Placed, Error> {
        let status = self.issuance.status.as_ref();
        let order_id =
            status.and_then(|status| status.order_id.clone()).ok_or(Error::Conflict { call: "follow an order" })?;
        Ok(Placed {
            operation: operation(&self.issuance.spec),
            order_id,
            certificate_id: status.and_then(|status| status.certificate_id.clone()),
            request_id: status.and_then(|status| status.request_id.clone()),
            public_key_sha256: self.issuance.spec.request.public_key_sha256.clone(),
            earlier: self.earlier(),
        })
    }

    pub(super) fn dcv_method(&self) -> DcvMethod {
        use crate::api::issuer::DcvMethod as Asked;
        let asked = self.issuer.as_ref().and_then(|issuer| issuer.spec.dcv.as_ref()?.method);
        match asked.unwrap_or_default() {
            Asked::Auto | Asked::DnsTxt => DcvMethod::DnsTxt,
            Asked::DnsCname => DcvMethod::DnsCname,
        }
    }
}

pub(super) fn operation(spec: &IssuanceSpec) -> provider::Operation {
    let parent = || spec.parent.as_ref().map(|parent| parent.order_id.clone()).unwrap_or_default();
    match spec.operation {
        Operation::Order => provider::Operation::Order,
        Operation::Reissue => provider::Operation::Reissue { order_id: parent() },
        Operation::Renew => provider::Operation::Renew { order_id: parent() },
    }
}
