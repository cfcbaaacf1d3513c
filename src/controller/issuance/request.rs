//! What is recorded, in the words of the provider trait. Nothing else goes into a call: not the issuer, not the clock.

use super::Work;
use crate::{
    api::{
        IssuanceSpec,
        certificate::Validity,
        issuance::{DigiCertRequest, Operation, ValidationMethod},
        issuer::{Contact, ContactType, OrderValidity, PaymentMethod},
    },
    controller::error::Error,
    provider::{self, DcvMethod, Details, Placed, Request},
};

impl Work {
    pub(super) fn request(&self) -> Result<Request, Error> {
        if self.issuance.spec.operation == Operation::Adopt {
            return Err(Error::Conflict { call: "submit an adoption" });
        }
        request(&self.issuance.spec)
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
            Asked::Http => DcvMethod::HttpToken,
            Asked::Email => DcvMethod::Email,
        }
    }
}

fn request(spec: &IssuanceSpec) -> Result<Request, Error> {
    let asked = &spec.request;
    let more = asked.digicert.as_ref().ok_or_else(|| unusable("it does not say what goes to CertCentral"))?;
    Ok(Request {
        operation: operation(spec),
        product: asked.product.clone(),
        common_name: asked.common_name.clone(),
        dns_names: asked.dns_names.clone(),
        csr: asked.csr.clone(),
        signature_hash: asked.signature_hash.as_str().to_owned(),
        validity: more.certificate_validity.as_ref().map(certificate_validity).transpose()?,
        order_validity: asked.order_validity.as_ref().map(order_validity).transpose()?,
        organization_id: asked.organization_id.map(unsigned).transpose()?,
        skip_approval: more.options.skip_approval.unwrap_or(false),
        dcv_method: match more.dcv_method {
            ValidationMethod::DnsTxt => DcvMethod::DnsTxt,
            ValidationMethod::DnsCname => DcvMethod::DnsCname,
            ValidationMethod::Http => DcvMethod::HttpToken,
            ValidationMethod::Email => DcvMethod::Email,
        },
        details: details(more)?,
        idempotency_key: spec.idempotency_key.clone(),
    })
}

fn details(asked: &DigiCertRequest) -> Result<Details, Error> {
    let options = asked.options.clone();
    let field = |field: crate::api::issuer::CustomField| Ok((unsigned(field.metadata_id)?, field.value));
    Ok(Details {
        container_id: options.container_id.map(unsigned).transpose()?,
        payment_method: asked.payment_method.map(|method| match method {
            PaymentMethod::Balance => provider::PaymentMethod::Balance,
            PaymentMethod::Card => provider::PaymentMethod::Card,
            PaymentMethod::Profile => provider::PaymentMethod::Profile,
        }),
        contacts: asked.contacts.iter().map(contact).collect::<Result<_, _>>()?,
        disable_renewal_notifications: options.disable_renewal_notifications,
        ca_cert_id: options.ca_cert_id,
        organization_units: options.organization_units,
        server_platform: options.server_platform,
        comments: options.comments,
        custom_fields: options.custom_fields.into_iter().map(field).collect::<Result<_, Error>>()?,
        additional_emails: options.additional_emails,
        custom_renewal_message: options.custom_renewal_message,
        locale: options.locale,
        ..Details::default()
    })
}

fn contact(contact: &Contact) -> Result<provider::Contact, Error> {
    let Contact { type_, user_id, first_name, last_name, email, job_title, telephone } = contact.clone();
    Ok(provider::Contact {
        role: match type_ {
            ContactType::Organization => provider::ContactRole::Organization,
            ContactType::Technical => provider::ContactRole::Technical,
            ContactType::Verified => provider::ContactRole::Verified,
        },
        user_id: user_id.map(unsigned).transpose()?,
        first_name,
        last_name,
        email,
        job_title,
        telephone,
    })
}

fn certificate_validity(validity: &Validity) -> Result<provider::Validity, Error> {
    Ok(match validity {
        Validity::Days(days) => provider::Validity::Days(unsigned(*days)?),
        Validity::Until(until) => provider::Validity::Until(day(until)?),
    })
}

fn order_validity(validity: &OrderValidity) -> Result<provider::Validity, Error> {
    Ok(match validity {
        OrderValidity::Years(years) => provider::Validity::Years(unsigned(*years)?),
        OrderValidity::Days(days) => provider::Validity::Days(unsigned(*days)?),
        OrderValidity::Until(until) => provider::Validity::Until(day(until)?),
    })
}

fn day(text: &str) -> Result<jiff::civil::Date, Error> {
    text.parse().map_err(|_| unusable(&format!("{text:?} is not a date")))
}

fn unsigned<I, U: TryFrom<I>>(number: I) -> Result<U, Error> {
    U::try_from(number).map_err(|_| unusable("a number is negative"))
}

/// What is left out would change what was recorded, so nothing is said at all.
fn unusable(what: &str) -> Error {
    Error::Issuer(format!("the recorded request cannot be said: {what}"))
}

pub(super) fn operation(spec: &IssuanceSpec) -> provider::Operation {
    let parent = || spec.parent.as_ref().map(|parent| parent.order_id.clone()).unwrap_or_default();
    match spec.operation {
        Operation::Order => provider::Operation::Order,
        Operation::Reissue => provider::Operation::Reissue { order_id: parent() },
        Operation::Renew => provider::Operation::Renew { order_id: parent() },
        // Followed as an order; nothing is submitted for it.
        Operation::Adopt => provider::Operation::Order,
        Operation::Duplicate => provider::Operation::Duplicate { order_id: parent() },
    }
}
