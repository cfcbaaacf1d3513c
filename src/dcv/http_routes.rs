//! Files that the operator's own replicas answer: what is published is the way to them, for one path of one name.
//!
//! An HTTPRoute is made in the namespace of its Gateway, whose listeners let routes of that namespace in unless they say
//! otherwise; from there a ReferenceGrant lets it lead to a Service in the operator's. An Ingress leads to Services of its
//! own namespace only, so it is made there.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, Preconditions},
    core::GroupVersionKind,
};
use reqwest::Url;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{File, Observed, PublishError, Publisher};

pub struct HttpRoutes {
    pub client: Client,
    pub service: Service,
    pub way: Way,
    /// What the certificate is for: nobody else's site is touched, whatever a provider asks for.
    pub names: Vec<String>,
    /// Two operators never share an object.
    pub installation: String,
    /// Labels of each object, by which it is known again.
    pub mark: BTreeMap<String, String>,
    pub field_manager: &'static str,
}

/// Where the operator's replicas answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    pub namespace: String,
    pub name: String,
    pub port: u16,
}

/// What leads there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// *ParentReference*s as the Gateway API has them, each with its namespace.
    Gateways(Vec<(String, Value)>),
    Ingress {
        class_name: Option<String>,
        annotations: BTreeMap<String, String>,
    },
}

/// Baseline Requirements §3.2.2.4.18.
const DIRECTORY: &str = "/.well-known/pki-validation/";
const KUBE_TIMEOUT: Duration = Duration::from_secs(15);

/// One object to be there, or not.
#[derive(Debug, PartialEq)]
struct Object {
    kind: Kind,
    namespace: String,
    name: String,
    content: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    HttpRoute,
    ReferenceGrant,
    Ingress,
}

#[async_trait]
impl Publisher<File> for HttpRoutes {
    async fn ensure(&self, file: &File) -> Result<(), PublishError> {
        for object in self.objects(file)? {
            if let Err(error) = self.apply(&object).await {
                // A half of it is no way to anywhere, and nobody would remove it.
                let _ = self.remove(file).await;
                return Err(error);
            }
        }
        Ok(())
    }

    async fn observe(&self, file: &File) -> Result<Observed, PublishError> {
        for object in self.objects(file)? {
            if self.get(&object).await?.is_none_or(|there| !self.is_ours(&there)) {
                return Ok(Observed::Absent);
            }
        }
        Ok(Observed::Present)
    }

    async fn remove(&self, file: &File) -> Result<(), PublishError> {
        let mut outcome = Ok(());
        for object in self.objects(file)? {
            outcome = outcome.and(self.delete(&object).await);
        }
        outcome
    }
}

impl HttpRoutes {
    /// What Gateways say against the routes of a file.
    pub async fn objections(&self, file: &File) -> Option<String> {
        let mut objections = Vec::new();
        for object in self.objects(file).ok()?.iter().filter(|object| object.kind == Kind::HttpRoute) {
            let there = self.get(object).await.ok()??;
            objections.extend(objections_of(&there.data).iter().map(|said| format!("{}: {said}", object.shown())));
        }
        Some(objections.join("; ")).filter(|said| !said.is_empty())
    }

    async fn apply(&self, object: &Object) -> Result<(), PublishError> {
        if let Some(there) = self.get(object).await?
            && !self.is_ours(&there)
        {
            let holds = "an object of that name, which is not Evercert's".to_owned();
            return Err(PublishError::Conflict { name: object.shown(), holds });
        }
        let apply = PatchParams::apply(self.field_manager).force();
        self.call(object, self.api(object).patch(&object.name, &apply, &Patch::Apply(&object.content))).await.map(drop)
    }

    async fn delete(&self, object: &Object) -> Result<(), PublishError> {
        let Some(there) = self.get(object).await?.filter(|there| self.is_ours(there)) else { return Ok(()) };
        let only = Preconditions { uid: there.uid(), resource_version: None };
        let delete = DeleteParams { preconditions: Some(only), ..DeleteParams::default() };
        match timeout(KUBE_TIMEOUT, self.api(object).delete(&object.name, &delete)).await {
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => Ok(()),
            done => self.told(object, done).map(drop),
        }
    }

    /// In the order in which they are made.
    fn objects(&self, file: &File) -> Result<Vec<Object>, PublishError> {
        let malformed = |why: &str| PublishError::Malformed { what: file.url.clone(), why: why.to_owned() };
        let url = Url::parse(&file.url).map_err(|_| malformed("it is no URL"))?;
        let (host, path) = (url.domain().ok_or_else(|| malformed("it is no URL of a name"))?, url.path());
        let is_below =
            |name: &String| name.strip_suffix(host).is_some_and(|above| above.is_empty() || above.ends_with('.'));
        if !self.names.iter().any(is_below) || !path.starts_with(DIRECTORY) {
            return Err(malformed("it is no validation file at a name that was asked for"));
        }
        let identity = [&self.installation, &file.url, &file.content].map(String::as_str).join("\n");
        let hash = digest(&SHA256, identity.as_bytes());
        let hash: String = hash.as_ref().iter().take(10).map(|byte| format!("{byte:02x}")).collect();
        let object = |kind: Kind, namespace: &str, annotations: &BTreeMap<String, String>, spec: Value| {
            let (namespace, name) = (namespace.to_owned(), format!("evercert-{hash}"));
            let mut metadata = json!({"name": name, "namespace": namespace, "labels": self.mark});
            if !annotations.is_empty() {
                metadata["annotations"] = json!(annotations);
            }
            let resource = kind.resource();
            let (version, kind_name) = (&resource.api_version, &resource.kind);
            let content = json!({"apiVersion": version, "kind": kind_name, "metadata": metadata, "spec": spec});
            Object { kind, namespace, name, content }
        };
        let Service { namespace: home, name, port } = &self.service;
        Ok(match &self.way {
            Way::Ingress { class_name, annotations } => {
                let backend = json!({"service": {"name": name, "port": {"number": port}}});
                let paths = json!([{"path": path, "pathType": "Exact", "backend": backend}]);
                let mut spec = json!({"rules": [{"host": host, "http": {"paths": paths}}]});
                if let Some(class) = class_name {
                    spec["ingressClassName"] = json!(class);
                }
                vec![object(Kind::Ingress, home, annotations, spec)]
            }
            Way::Gateways(parents) => {
                let namespaces: BTreeSet<&String> = parents.iter().map(|(namespace, _)| namespace).collect();
                let beyond = namespaces.iter().copied().filter(|namespace| *namespace != home);
                let from: Vec<Value> = beyond
                    .map(|namespace| {
                        json!({"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": namespace})
                    })
                    .collect();
                let grant = json!({"from": from, "to": [{"group": "", "kind": "Service", "name": name}]});
                let none = BTreeMap::new();
                let grant = (!from.is_empty()).then(|| object(Kind::ReferenceGrant, home, &none, grant));
                let routes = namespaces.into_iter().map(|namespace| {
                    let parents: Vec<&Value> =
                        parents.iter().filter(|(of, _)| of == namespace).map(|(_, parent)| parent).collect();
                    let rule = json!({
                        "matches": [{"path": {"type": "Exact", "value": path}}],
                        "backendRefs": [{"name": name, "namespace": home, "port": port}],
                    });
                    let spec = json!({"parentRefs": parents, "hostnames": [host], "rules": [rule]});
                    object(Kind::HttpRoute, namespace, &none, spec)
                });
                routes.chain(grant).collect()
            }
        })
    }

    fn is_ours(&self, object: &DynamicObject) -> bool {
        self.mark.iter().all(|(label, value)| object.labels().get(label) == Some(value))
    }

    /// Nothing, too, where the kind is unknown.
    async fn get(&self, object: &Object) -> Result<Option<DynamicObject>, PublishError> {
        self.call(object, self.api(object).get_opt(&object.name)).await
    }

    fn api(&self, object: &Object) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &object.namespace, &object.kind.resource())
    }

    async fn call<T>(
        &self,
        object: &Object,
        request: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, PublishError> {
        self.told(object, timeout(KUBE_TIMEOUT, request).await)
    }

    fn told<T, E>(&self, object: &Object, answer: Result<Result<T, kube::Error>, E>) -> Result<T, PublishError> {
        let server = format!("the API server ({}s in namespace {})", object.kind.resource().kind, object.namespace);
        let error = match answer {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error,
            Err(_) => return Err(PublishError::Unreachable { server, cause: "no answer in time".to_owned() }),
        };
        let refused = |server, code: &str, hint| PublishError::Refused { server, code: code.to_owned(), hint };
        Err(match error {
            kube::Error::Api(status) => match status.code {
                401 | 403 => refused(
                    server,
                    "Forbidden",
                    "give the operator the right to get, create, patch and delete them there (chart: validationFiles)",
                ),
                404 => refused(
                    server,
                    "NotFound",
                    "the resource definitions of the Gateway API are not installed, or there is no such namespace",
                ),
                code => PublishError::Failed { server, code: format!("{code} {}", short(&status.message)) },
            },
            error => PublishError::Unreachable { server, cause: short(&error.to_string()) },
        })
    }
}

impl Object {
    fn shown(&self) -> String {
        format!("{} {}/{}", self.kind.resource().kind, self.namespace, self.name)
    }
}

impl Kind {
    fn resource(self) -> ApiResource {
        let (group, version, kind, plural) = match self {
            Self::HttpRoute => ("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes"),
            // v1 is served since release 1.5 only.
            Self::ReferenceGrant => ("gateway.networking.k8s.io", "v1beta1", "ReferenceGrant", "referencegrants"),
            Self::Ingress => ("networking.k8s.io", "v1", "Ingress", "ingresses"),
        };
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
    }
}

/// *RouteParentStatus*: one for each controller of a Gateway that has looked at the route.
fn objections_of(route: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let parents = route["status"]["parents"].as_array().map(Vec::as_slice).unwrap_or_default();
    if parents.is_empty() {
        return vec!["no Gateway's controller has taken it up".to_owned()];
    }
    let refusals = parents.iter().flat_map(|parent| {
        let conditions = parent["conditions"].as_array().into_iter().flatten();
        let refused = conditions.filter(|condition| condition["status"] == "False");
        refused.map(|condition| {
            let (type_, gateway) = (text(&condition["type"]), text(&parent["parentRef"]["name"]));
            let (reason, message) = (text(&condition["reason"]), short(&text(&condition["message"])));
            format!("Gateway {gateway} says {type_}=False, {reason}: {message}")
        })
    });
    refusals.collect()
}

fn short(said: &str) -> String {
    said.chars().take(256).collect()
}

#[cfg(test)]
mod tests;
