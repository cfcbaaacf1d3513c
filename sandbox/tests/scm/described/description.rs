//! Holds calls and answers against the vendor's OpenAPI description: so much of JSON Schema as it uses.

use jiff::Timestamp;
use serde_json::Value;

use super::Exchange;

/// What is wrong, and which operations were not tried.
pub fn check(description: &Value, exchanges: &[Exchange]) -> Vec<String> {
    let mut wrong: Vec<String> = exchanges.iter().flat_map(|exchange| of_exchange(description, exchange)).collect();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let done = |exchange: &Exchange| {
                exchange.path == path && exchange.method.eq_ignore_ascii_case(method) && exchange.answer.status < 300
            };
            if !exchanges.iter().any(done) {
                wrong.push(format!("{method} {path} was never tried with success"));
            }
        }
    }
    wrong
}

fn of_exchange(description: &Value, exchange: &Exchange) -> Vec<String> {
    let operation = &description["paths"][exchange.path][exchange.method.to_lowercase()];
    let answer = &operation["responses"][exchange.answer.status.to_string()];
    if operation.is_null() || answer.is_null() {
        return vec![format!("{} is not described", exchange.name())];
    }
    let schemas = &description["components"]["schemas"];
    let mut wrong = Vec::new();
    let old = exchange.path.contains("/v1");
    if let Some(request) = &exchange.request {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        Check { schemas, old, wrong: &mut wrong }.value(request, schema, "request");
    }
    for header in answer["headers"].as_object().into_iter().flatten().map(|(name, _)| name) {
        if exchange.answer.header(&header.to_lowercase()).is_empty() {
            wrong.push(format!("{header} is missing"));
        }
    }
    match &answer["content"]["application/json"]["schema"] {
        // Of some errors only the status is described.
        Value::Null => {}
        schema => {
            let schema = disputed(schemas, exchange).unwrap_or(schema);
            Check { schemas, old, wrong: &mut wrong }.value(&exchange.body(), schema, "answer");
        }
    }
    wrong.iter().map(|why| format!("{}: {why}", exchange.name())).collect()
}

/// Where the reference of 25.5 contradicts the description in its examples, and the description cannot be meant: the
/// submission of a validation is described to answer what its start answers, and `sync` to tell the status alone.
fn disputed<'a>(schemas: &'a Value, exchange: &Exchange) -> Option<&'a Value> {
    if exchange.answer.status >= 300 {
        return None;
    }
    match exchange.path {
        "/api/dcv/v2/validation/sync" => Some(&schemas["DcvStatusResponseV2"]),
        "/api/dcv/v2/validation/submit/domain/cname"
        | "/api/dcv/v2/validation/submit/domain/email"
        | "/api/dcv/v2/validation/submit-bulk/domain/email" => Some(&schemas["SubmitDomainResponse"]),
        // In v1 one object.
        "/api/ssl/v1/{sslId}/dcv" => Some(&schemas["DcvInfoResp"]),
        _ => None,
    }
}

struct Check<'a> {
    schemas: &'a Value,
    /// v1: words and codes as the reference of 25.5 writes them, and days for instants.
    old: bool,
    wrong: &'a mut Vec<String>,
}

impl Check<'_> {
    fn value(&mut self, value: &Value, schema: &Value, at: &str) {
        let schemas = self.schemas;
        if let Some(name) = schema["$ref"].as_str() {
            return self.value(value, &schemas[name.rsplit('/').next().unwrap()], at);
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            let fits = |choice: &Value| {
                let mut wrong = Vec::new();
                Check { schemas, old: self.old, wrong: &mut wrong }.value(value, choice, at);
                wrong.is_empty()
            };
            if !choices.iter().any(fits) {
                self.wrong.push(format!("{at} is none of its choices: {value}"));
            }
            return;
        }
        // The log of a validation has nulls in the examples of the reference.
        if value.is_null() && at.contains("/dcvLog/") {
            return;
        }
        let code = self.old && value.is_i64() && schema["enum"].is_array();
        let fits = match schema["type"].as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("integer") => {
                value.as_i64().is_some_and(|number| schema["format"] != "int32" || i32::try_from(number).is_ok())
            }
            Some("boolean") => value.is_boolean(),
            Some("string") => value.is_string() || code,
            _ => true,
        };
        if !fits {
            return self.wrong.push(format!("{at} is {value}"));
        }
        self.word(value, schema, at);
        for (index, row) in value.as_array().into_iter().flatten().enumerate() {
            self.value(row, &schema["items"], &format!("{at}/{index}"));
        }
        if let (Some(fields), Some(properties)) = (value.as_object(), schema["properties"].as_object()) {
            for (name, value) in fields {
                match properties.get(name) {
                    Some(property) => self.value(value, property, &format!("{at}/{name}")),
                    None => self.wrong.push(format!("{at}/{name} is not described")),
                }
            }
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if !fields.contains_key(name) {
                    self.wrong.push(format!("{at}/{name} is missing"));
                }
            }
        }
    }

    /// Values of enumerations, and dates.
    fn word(&mut self, value: &Value, schema: &Value, at: &str) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let plain = |text: &str| text.to_uppercase().replace(' ', "_");
        let same = |word: &str| if self.old { plain(word) == plain(&text) } else { word == text };
        let known = schema["enum"].as_array();
        if known.is_some_and(|words| !words.iter().filter_map(Value::as_str).any(same)) {
            self.wrong.push(format!("{at} is {text}, none of {}", schema["enum"]));
        }
        // The report takes days too, as its text says.
        let instant = schema["format"] == "date-time" && !self.old && !at.starts_with("request");
        if instant && text.parse::<Timestamp>().is_err() {
            self.wrong.push(format!("{at} is {text}, no instant"));
        }
    }
}
