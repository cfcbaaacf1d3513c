//! What is recorded, in the words of the provider trait. Nothing else goes into a call: not the issuer, not the clock.

use std::collections::BTreeSet;

use kube::ResourceExt;

use super::Work;
use crate::{
    api::{
        IssuanceSpec,
        certificate::Validity,
        issuance::{DigiCertRequest, Operation, Parent, Request as Asked, SectigoRequest, ValidationMethod},
        issuer::{Contact, ContactType, NamedField, OrderValidity, PaymentMethod, Vendor},
    },
    controller::error::Error,
    lifecycle::publishing,
    provider::{self, DcvMethod, Details, Placed, Request, Wanted, plus_addressed},
};

impl Work {
    pub(super) fn request(&self) -> Result<Request, Error> {
        if self.issuance.spec.operation.only_follows() {
            return Err(Error::Conflict { call: "submit what is only followed" });
        }
        let spec = &self.issuance.spec;
        request(&spec.request, operation(spec), &spec.idempotency_key)
    }

    /// What it may have left at the provider.
    pub(super) fn wanted(&self) -> Wanted {
        let spec = &self.issuance.spec;
        let sectigo = spec.request.sectigo.as_ref();
        Wanted {
            operation: operation(spec),
            idempotency_key: spec.idempotency_key.clone(),
            public_key_sha256: spec.request.public_key_sha256.clone(),
            earlier: self.known(),
            common_name: spec.request.common_name.clone(),
            dns_names: spec.request.dns_names.clone(),
            external_requester: sectigo.and_then(|asked| external_requester(asked, &spec.idempotency_key)),
            since: spec.submissions.first().map_or(self.context.machine_now(), |first| first.at.0),
        }
    }

    /// Earlier certificates; where a purchase carries nothing of ours, also those that other Issuances are known to have
    /// placed.
    fn known(&self) -> BTreeSet<String> {
        let mut known = self.earlier();
        let account = &self.issuance.spec.account;
        if account.provider == Vendor::DnSimple.as_str() {
            let others = self.context.stores.issuances.each().filter(|other| other.uid() != self.issuance.uid());
            let others = others.filter(|other| other.spec.account == *account && !other.spec.operation.only_follows());
            known.extend(others.filter_map(|other| other.status.as_ref()?.order_id.clone()));
        }
        known
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

    /// As the issuer wants it by now: a publisher that was added may carry another.
    pub(super) fn dcv_method(&self) -> DcvMethod {
        let names = self.issuance.spec.request.dns_names.iter().map(String::as_str);
        let method = self.issuer.as_ref().map(|issuer| publishing::method(&issuer.spec, names));
        dcv_method(method.unwrap_or(ValidationMethod::DnsTxt))
    }
}

/// One operation for this key of idempotency, as it was or will be recorded.
pub(in crate::controller) fn request(
    asked: &Asked,
    operation: provider::Operation,
    idempotency_key: &str,
) -> Result<Request, Error> {
    let said = match (&asked.digicert, &asked.sectigo, &asked.dnsimple) {
        (Some(digicert), None, None) => Said {
            validity: digicert.certificate_validity.as_ref().map(certificate_validity).transpose()?,
            skip_approval: digicert.options.skip_approval.unwrap_or(false),
            dcv_method: digicert.dcv_method,
            details: details(digicert)?,
        },
        (None, Some(sectigo), None) => Said {
            validity: sectigo.term.map(|days| unsigned(days).map(provider::Validity::Days)).transpose()?,
            skip_approval: false,
            dcv_method: sectigo.dcv_method,
            details: Details {
                comments: sectigo.options.comments.clone(),
                named_fields: sectigo.options.custom_fields.iter().map(named).collect(),
                external_requester: external_requester(sectigo, idempotency_key),
                ..Details::default()
            },
        },
        (None, None, Some(dnsimple)) => Said {
            validity: None,
            skip_approval: false,
            dcv_method: ValidationMethod::DnsTxt,
            details: Details {
                signature_algorithm: Some(dnsimple.signature_algorithm.as_str().to_owned()),
                ..Details::default()
            },
        },
        _ => return Err(unusable("it does not say what goes to the provider")),
    };
    Ok(Request {
        operation,
        product: asked.product.clone(),
        common_name: asked.common_name.clone(),
        dns_names: asked.dns_names.clone(),
        csr: asked.csr.clone(),
        signature_hash: asked.signature_hash.as_str().to_owned(),
        validity: said.validity,
        order_validity: asked.order_validity.as_ref().map(order_validity).transpose()?,
        organization_id: asked.organization_id.map(unsigned).transpose()?,
        skip_approval: said.skip_approval,
        dcv_method: dcv_method(said.dcv_method),
        details: said.details,
        idempotency_key: idempotency_key.to_owned(),
    })
}

fn dcv_method(method: ValidationMethod) -> DcvMethod {
    match method {
        ValidationMethod::DnsTxt => DcvMethod::DnsTxt,
        ValidationMethod::DnsCname => DcvMethod::DnsCname,
        ValidationMethod::Http => DcvMethod::HttpToken,
        ValidationMethod::Email => DcvMethod::Email,
    }
}

/// What each provider is told in its own way.
struct Said {
    validity: Option<provider::Validity>,
    skip_approval: bool,
    dcv_method: ValidationMethod,
    details: Details,
}

/// With the mark in it where the mailbox takes such addresses and the address has room.
pub(super) fn external_requester(asked: &SectigoRequest, idempotency_key: &str) -> Option<String> {
    let address = asked.external_requester.as_deref()?;
    let marked = plus_addressed(address, idempotency_key).filter(|_| asked.plus_addressing == Some(true));
    Some(marked.unwrap_or_else(|| address.to_owned()))
}

fn named(field: &NamedField) -> (String, String) {
    (field.name.clone(), field.value.clone())
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
    on(spec.operation, spec.parent.as_ref())
}

/// An operation on an order.
pub(in crate::controller) fn on(operation: Operation, parent: Option<&Parent>) -> provider::Operation {
    let parent = || parent.map(|parent| parent.order_id.clone()).unwrap_or_default();
    match operation {
        Operation::Order => provider::Operation::Order,
        Operation::Reissue => provider::Operation::Reissue { order_id: parent() },
        Operation::Renew => provider::Operation::Renew { order_id: parent() },
        // Followed as an order; nothing is submitted for it.
        Operation::Adopt | Operation::Collect => provider::Operation::Order,
        Operation::Duplicate => provider::Operation::Duplicate { order_id: parent() },
        Operation::Amend => provider::Operation::Amend { order_id: parent() },
    }
}
