//! Which publisher carries a record, and what it is made of.

use std::sync::Arc;

use super::{
    Work,
    dcv::{file_of, record_of},
};
use crate::{
    api::{
        issuance::{PublisherKind, RecordType, Validation as Known, ValidationMethod},
        issuer::{
            CertManagerWebhook as WebhookSpec, DnSimpleZones, ExternalDns as ExternalDnsSpec, Http as HttpSpec,
            ParentRef, PublishTo, Publisher as Configured, Rfc2136 as Rfc2136Spec, SelfCheck as Mode,
            TsigAlgorithm as Algorithm,
        },
        meta,
    },
    controller::{any_issuer::AnyIssuer, endpoint::judge_name_server, error::Error, ledger},
    dcv::{
        Ask, CertManagerWebhook, DnSimple, ExternalDns, File, HttpRoutes, PublishError, Publisher, Record, Rfc2136,
        SelfCheck,
        http_routes::Way,
        rfc2136::{Rfc2136Config, TsigAlgorithm, TsigKey},
    },
    lifecycle::{dcv::placed, publishing},
    provider::{DcvMethod, Validation},
};

/// A publisher ready to use; or why there is none.
type Made<P = Box<dyn Publisher>> = Result<P, String>;

/// A record or a file, and who publishes it.
pub(super) enum Publication {
    Record(Box<dyn Publisher>, Record),
    File(Box<HttpRoutes>, File),
}

impl Publication {
    pub(super) async fn ensure(&self) -> Result<(), PublishError> {
        match self {
            Self::Record(publisher, record) => publisher.ensure(record).await,
            Self::File(routes, file) => routes.ensure(file).await,
        }
    }

    pub(super) async fn remove(&self) -> Result<(), PublishError> {
        match self {
            Self::Record(publisher, record) => publisher.remove(record).await,
            Self::File(routes, file) => routes.remove(file).await,
        }
    }

    /// Whether its name is one that the provider made up, and that others may have delegated.
    pub(super) fn is_below_a_label(&self) -> bool {
        matches!(self, Self::Record(_, record) if record.name.starts_with('_'))
    }
}

impl Work {
    /// Which kind of publisher carries what the provider asks for.
    pub(super) fn pick(&self, told: &Validation) -> Option<PublisherKind> {
        let Some(record) = &told.record else {
            return (!told.emails.is_empty()).then_some(PublisherKind::Manual);
        };
        let carrier = |name: &str, method| {
            publishing::publisher(self.configured(), name, method).map(|publisher| publisher.target.kind())
        };
        match record.method {
            DcvMethod::DnsTxt => carrier(&record.name, ValidationMethod::DnsTxt),
            DcvMethod::DnsCname => carrier(&record.name, ValidationMethod::DnsCname),
            // Its record is named by a URL.
            DcvMethod::HttpToken => carrier(&told.domain, ValidationMethod::Http).or(Some(PublisherKind::Manual)),
            DcvMethod::Email => Some(PublisherKind::Manual),
        }
    }

    fn configured(&self) -> &[Configured] {
        let dcv = self.issuer.as_ref().and_then(|issuer| issuer.spec.dcv.as_ref());
        dcv.map_or(&[], |dcv| &dcv.publishers)
    }

    /// What is published for a domain, by a publisher of the kind that was picked for it.
    pub(super) async fn publication(&self, domain: &str) -> Result<Result<Publication, String>, Error> {
        let known = self.validation(domain).and_then(|known| Some((known, known.publisher?, placed(known)?)));
        let Some((known, kind, record)) = known else {
            return Ok(Err("the provider has given no token yet".to_owned()));
        };
        // A file's record is named by a URL.
        let name = if record.type_ == RecordType::Http { domain } else { &record.name };
        let Some(configured) = publishing::publisher_of(self.configured(), name, kind) else {
            return Ok(Err(format!("the issuer has no such publisher for {name} any more")));
        };
        self.make(configured, known).await
    }

    async fn make(&self, configured: &Configured, known: &Known) -> Result<Made<Publication>, Error> {
        let Some(issuer) = &self.issuer else { return Ok(Err("the issuer does not exist".to_owned())) };
        let zones = configured.zones.clone();
        let made = match &configured.target {
            PublishTo::Rfc2136(spec) => self.rfc2136(issuer, zones, spec).await?,
            PublishTo::Dnsimple(spec) => self.dnsimple(issuer, spec).await?,
            PublishTo::ExternalDns(spec) => self.external_dns(issuer, spec, known),
            PublishTo::CertManagerWebhook(spec) => self.cert_manager_webhook(issuer, zones, spec),
            PublishTo::Http(spec) => {
                let made = self.http_routes(issuer, spec);
                return Ok(made.and_then(|routes| {
                    Ok(Publication::File(Box::new(routes), file_of(known).ok_or("it is no file")?))
                }));
            }
            PublishTo::Manual(_) => Err("it is published by a person".to_owned()),
        };
        Ok(made.and_then(|publisher| Ok(Publication::Record(publisher, record_of(known).ok_or("it is no record")?))))
    }

    fn http_routes(&self, issuer: &AnyIssuer, spec: &HttpSpec) -> Made<HttpRoutes> {
        if issuer.namespace.is_some() {
            return Err("publisher http is for a ClusterIssuer".to_owned());
        }
        let Some(service) = self.context.file_service.clone() else {
            return Err("the operator answers no files: set its --file-listen (chart: validationFiles)".to_owned());
        };
        let way = match spec {
            HttpSpec::Ingress(ingress) => {
                Way::Ingress { class_name: ingress.class_name.clone(), annotations: ingress.annotations.clone() }
            }
            HttpSpec::ParentRefs(parents) => {
                let whole = |parent: &ParentRef| {
                    let namespace = parent.namespace.clone().unwrap_or_else(|| service.namespace.clone());
                    let whole = ParentRef { namespace: Some(namespace.clone()), ..parent.clone() };
                    (namespace, serde_json::to_value(whole).unwrap_or_default())
                };
                Way::Gateways(parents.iter().map(whole).collect())
            }
        };
        Ok(HttpRoutes {
            client: self.context.client.clone(),
            service,
            way,
            names: self.issuance.spec.request.dns_names.clone(),
            installation: self.context.installation.clone(),
            mark: [
                (meta::MANAGED.to_owned(), "true".to_owned()),
                (meta::INSTALLATION.to_owned(), ledger::mark(&self.context.installation)),
            ]
            .into(),
            field_manager: meta::FIELD_MANAGER,
        })
    }

    async fn dnsimple(&self, issuer: &AnyIssuer, spec: &DnSimpleZones) -> Result<Made, Error> {
        let account = self.context.accounts.zones(issuer, spec).await?;
        Ok(account.map(|account| Box::new(DnSimple::new(account)) as Box<dyn Publisher>))
    }

    fn external_dns(&self, issuer: &AnyIssuer, spec: &ExternalDnsSpec, known: &Known) -> Made {
        Ok(Box::new(ExternalDns {
            client: self.context.client.clone(),
            namespace: self.context.accounts.namespace(issuer).to_owned(),
            labels: spec.labels.clone(),
            mark: (meta::MANAGED, "true"),
            installation: self.context.installation.clone(),
            ours: placed(known).map(|record| self.values_beside(&record)).unwrap_or_default(),
            dns: self.looks()?,
        }))
    }

    fn cert_manager_webhook(&self, issuer: &AnyIssuer, zones: Vec<String>, spec: &WebhookSpec) -> Made {
        if issuer.namespace.is_some() {
            return Err("publisher certManagerWebhook is for a ClusterIssuer".to_owned());
        }
        Ok(Box::new(CertManagerWebhook {
            client: self.context.client.clone(),
            group_name: spec.group_name.clone(),
            solver_name: spec.solver_name.clone(),
            config: spec.config.clone().unwrap_or_default(),
            resource_namespace: self.context.accounts.namespace(issuer).to_owned(),
            keeps_other_values: spec.keeps_other_values.unwrap_or(false),
            zones,
            dns: self.looks()?,
        }))
    }

    /// Who looks at names before they are touched. Nobody, where the issuer has no name server asked.
    fn looks(&self) -> Result<Option<(Arc<SelfCheck>, Ask)>, String> {
        match self.mode() {
            Mode::None => Ok(None),
            _ => Ok(Some((self.context.self_check.clone()?, self.asks()))),
        }
    }

    async fn rfc2136(&self, issuer: &AnyIssuer, zones: Vec<String>, spec: &Rfc2136Spec) -> Result<Made, Error> {
        if let Err(why) = judge_name_server(&spec.nameserver, issuer.namespace.is_some(), &self.context.network) {
            return Ok(Err(why));
        }
        let secret = match self.context.accounts.secret(issuer, &spec.tsig.secret_ref).await? {
            Ok(secret) => secret,
            Err(why) => return Ok(Err(why)),
        };
        let algorithm = match spec.tsig.algorithm.unwrap_or_default() {
            Algorithm::HmacSha256 => TsigAlgorithm::HmacSha256,
            Algorithm::HmacSha384 => TsigAlgorithm::HmacSha384,
            Algorithm::HmacSha512 => TsigAlgorithm::HmacSha512,
        };
        let key = TsigKey { name: spec.tsig.key_name.clone(), algorithm, secret };
        let config = Rfc2136Config { nameserver: spec.nameserver.clone(), zones, key };
        Ok(Rfc2136::new(config).map(|made| Box::new(made) as Box<dyn Publisher>).map_err(|error| error.to_string()))
    }
}
