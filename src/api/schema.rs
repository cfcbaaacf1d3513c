//! Schemas and patterns that more than one resource uses.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

/// A DNS name as it stands in a certificate: lower case, two labels or more, `*` only as the whole leftmost label.
pub(super) const DNS_NAME: &str = r"^(\*\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$";
/// A DNS zone: as [`DNS_NAME`], without wildcard, one label is enough.
pub(super) const ZONE: &str = r"^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*$";
/// Name of a Kubernetes object.
pub(super) const OBJECT_NAME: &str = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$";
/// Key in the data of a Secret.
pub(super) const SECRET_KEY: &str = r"^[A-Za-z0-9._-]+$";
/// Go's `time.Duration`, positive, whole numbers: `720h`, `1h30m`.
pub(super) const DURATION: &str = r"^([0-9]+(h|m|s))+$";
/// A provider's order id.
pub(super) const ORDER_ID: &str = r"^[A-Za-z0-9_-]+$";
/// Hours and minutes.
pub(super) const TIME_OF_DAY: &str = r"^([01][0-9]|2[0-3]):[0-5][0-9]$";
/// Name in the IANA time zone database.
pub(super) const TIME_ZONE: &str = r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$";
/// Base URL of an API.
pub(super) const URL: &str = r"^https?://[^\s/?#@]+(/[^\s?#]*)?$";
/// A provider's product identifier.
pub(super) const PRODUCT: &str = r"^[A-Za-z0-9_.-]+$";

/// Mail address, as far as it is judged.
pub(super) const EMAIL: &str = r"^[^\s@]+@[^\s@]+$";
/// YYYY-MM-DD.
pub(super) const DATE: &str = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$";

/// Name of an entry in a keystore: what every tool takes on its command line.
pub(super) const ALIAS: &str = r"^[A-Za-z0-9._-]+$";

/// Labels, as Kubernetes takes them.
pub(super) fn labels(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 32,
        "additionalProperties": {
            "type": "string", "maxLength": 63, "pattern": "^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?$",
        },
    })
}

/// Annotations: all of an object's may have 256 KiB.
pub(super) fn annotations(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 32,
        "additionalProperties": { "type": "string", "maxLength": 4096 },
    })
}

/// An object that somebody else defines.
pub(super) fn anything(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}

/// Go duration with the limits a CEL cost estimate needs.
pub(super) fn duration(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "maxLength": 32, "pattern": DURATION })
}

/// Turns the `oneOf` of an enum into optional properties and a CEL rule, whose message people understand.
pub(super) fn exactly_one(schema: &mut Schema) {
    let Some(Value::Array(variants)) = schema.remove("oneOf") else { return };
    let mut properties = Map::new();
    for mut variant in variants {
        let description = variant.get("description").cloned();
        for (name, property) in variant["properties"].as_object_mut().into_iter().flatten() {
            let mut property = property.take();
            if let (Some(fields), Some(description)) = (property.as_object_mut(), &description) {
                fields.insert("description".into(), description.clone());
            }
            properties.insert(name.clone(), property);
        }
    }
    let names: Vec<_> = properties.keys().cloned().collect();
    let given: Vec<_> = names.iter().map(|name| format!("has(self.{name})")).collect();
    schema.insert("type".into(), json!("object"));
    schema.insert("properties".into(), properties.into());
    schema.insert(
        "x-kubernetes-validations".into(),
        json!([{
            "rule": format!("[{}].exists_one(x, x)", given.join(", ")),
            "message": format!("exactly one of {} is needed", enumeration(&names)),
        }]),
    );
}

/// `a, b and c`
fn enumeration(names: &[String]) -> String {
    match names {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        few => few.concat(),
    }
}

/// `metav1.Condition[]` as the API conventions ask for, every part bounded.
pub(super) fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": { "type": "string", "maxLength": 316, "description": "What the condition is about." },
                "status": { "type": "string", "maxLength": 8, "enum": ["True", "False", "Unknown"], "description": "True, False or Unknown." },
                "observedGeneration": { "type": "integer", "format": "int64", "minimum": 0, "description": "metadata.generation this was derived from." },
                "lastTransitionTime": { "type": "string", "format": "date-time", "maxLength": 64, "description": "When status last changed." },
                "reason": { "type": "string", "minLength": 1, "maxLength": 1024, "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$", "description": "Why, in one word." },
                "message": { "type": "string", "maxLength": 32768, "description": "Why, for people." },
            },
        },
    })
}

/// `metav1.LabelSelector`, every part bounded.
pub(super) fn label_selector(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "properties": {
            "matchLabels": {
                "type": "object",
                "maxProperties": 32,
                "additionalProperties": { "type": "string", "maxLength": 63 },
                "description": "Labels that must all be present with these values.",
            },
            "matchExpressions": {
                "type": "array",
                "maxItems": 32,
                "x-kubernetes-list-type": "atomic",
                "description": "Requirements that must all hold.",
                "items": {
                    "type": "object",
                    "required": ["key", "operator"],
                    "properties": {
                        "key": { "type": "string", "maxLength": 317, "description": "Label key." },
                        "operator": { "type": "string", "maxLength": 16, "enum": ["In", "NotIn", "Exists", "DoesNotExist"], "description": "How key and values relate." },
                        "values": {
                            "type": "array",
                            "maxItems": 64,
                            "x-kubernetes-list-type": "atomic",
                            "items": { "type": "string", "maxLength": 63 },
                            "description": "For In and NotIn.",
                        },
                    },
                },
            },
        },
    })
}
