//! Holds answers against the vendor's published ones, one raw HTTP answer a file.

use std::{fs, path::Path};

use serde_json::Value;

use super::Exchange;

struct Example {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// What differs. Examples that no call stands for are named too.
pub fn check(folder: &Path, exchanges: &[Exchange]) -> Vec<String> {
    let mut wrong = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let example = Example::read(&fs::read_to_string(&path).unwrap());
        // An older copy of the one for accounts.
        let played = if name == "whoami-success" { "whoami-success-account" } else { &name };
        match exchanges.iter().find(|exchange| exchange.name == played) {
            None => wrong.push(format!("{name} was not tried")),
            Some(exchange) => wrong.extend(differences(&example, exchange)),
        }
    }
    wrong
}

impl Example {
    fn read(text: &str) -> Self {
        let text = text.replace("\r\n", "\n");
        let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        Self { status, headers, body: body.trim().to_owned() }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

fn differences(example: &Example, Exchange { name, answer }: &Exchange) -> Vec<String> {
    let mut wrong = Vec::new();
    if answer.status != example.status {
        wrong.push(format!("status {} for {}", answer.status, example.status));
    }
    if answer.header("content-type") != example.header("content-type") {
        wrong.push(format!("{:?} for {:?}", answer.header("content-type"), example.header("content-type")));
    }
    let limits = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];
    // An answer has them wherever the example does; one that the API gives to a wrong method has none there.
    wrong.extend(
        limits
            .iter()
            .filter(|limit| !example.header(limit).is_empty() && answer.header(limit).is_empty())
            .map(|limit| format!("{limit} is missing")),
    );
    if let Ok(body) = serde_json::from_str::<Value>(&example.body) {
        compare(&answer.json(), &body, name, "", &mut wrong);
    }
    wrong.iter().map(|why| format!("{name}: {why}")).collect()
}

/// The same fields of the same kinds; what is null on one side may be anything on the other.
fn compare(value: &Value, example: &Value, name: &str, at: &str, wrong: &mut Vec<String>) {
    match (value, example) {
        (Value::Null, _) | (_, Value::Null) => {}
        (Value::Array(rows), Value::Array(examples)) => {
            for (row, example) in rows.iter().zip(examples.iter().cycle()) {
                compare(row, example, name, at, wrong);
            }
        }
        (Value::Object(fields), Value::Object(examples)) => {
            // Fields of errors are those of the request; `contact_id` was removed after the examples were made.
            let free = |field: &str| (name == "validation-error" && at == "/errors") || field == "contact_id";
            for (field, example) in examples.iter().filter(|(field, _)| !free(field)) {
                match fields.get(field) {
                    Some(value) => compare(value, example, name, &format!("{at}/{field}"), wrong),
                    None => wrong.push(format!("{at}/{field} is missing")),
                }
            }
            for field in fields.keys().filter(|field| !examples.contains_key(*field) && !free(field)) {
                wrong.push(format!("{at}/{field} is unknown"));
            }
        }
        _ if std::mem::discriminant(value) == std::mem::discriminant(example) => {}
        _ => wrong.push(format!("{at} is {value}")),
    }
}
