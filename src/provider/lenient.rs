//! Reads what vendors send: numbers, strings and booleans stand for each other, anything may be missing or null, and
//! nothing that is unknown is an error.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// A nested object, or its empty form when it is anything else.
pub(super) fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(from: D) -> Result<T, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(from)?).unwrap_or_default())
}

/// The readable elements of an array; anything else is empty.
pub(super) fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(elements(Value::deserialize(from)?))
}

/// The readable elements of an array; of anything else none.
pub(super) fn elements<T: DeserializeOwned>(value: Value) -> Vec<T> {
    let elements = match value {
        Value::Array(elements) => elements,
        _ => Vec::new(),
    };
    elements.into_iter().filter_map(|element| serde_json::from_value(element).ok()).collect()
}

pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// Zero stands for none. What can be no id would neither fit into a path nor into the record of what was placed.
pub(super) fn id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(text(from)?.filter(|id| id != "0" && is_id(id)))
}

/// Vendors' own are numbers of ten digits or so.
pub(super) fn is_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Ok(text(from)?.and_then(|text| text.parse().ok()))
}

pub(super) fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Bool(flag) => flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => matches!(text.trim().to_ascii_lowercase().as_str(), "1" | "true" | "yes"),
        _ => false,
    })
}

/// An array of texts or numbers, as texts.
pub(super) fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    Ok(as_texts(Value::deserialize(from)?))
}

/// The same by name, as `{"RSA": ["2048"]}`.
pub(super) fn texts_by_name<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Vec<String>>, D::Error> {
    let Value::Object(members) = Value::deserialize(from)? else { return Ok(BTreeMap::new()) };
    Ok(members.into_iter().map(|(name, value)| (name, as_texts(value))).collect())
}

fn as_texts(value: Value) -> Vec<String> {
    let elements = match value {
        Value::Array(elements) => elements,
        one => vec![one],
    };
    let text = |value| text(value).ok().flatten();
    elements.into_iter().filter_map(text).collect()
}
