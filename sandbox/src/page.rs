//! The page for people at `/`.

use std::sync::Arc;

use axum::{extract::State, response::Html};

use crate::{app::App, digicert::views, dnsimple, issuance, state::World};

pub async fn page(State(app): State<Arc<App>>) -> Html<String> {
    let world = app.store.lock();
    Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>evercert-sandbox</title><style>{STYLE}</style>\
         <h1>evercert-sandbox</h1><p>It is {} here. <a href=/_sandbox/ledger>Ledger</a>, \
         <a href={crl}>CRL</a>, <a href=/_sandbox/ca.pem>root</a>.</p>\
         <h2>DigiCert: orders</h2>{}<h2>DigiCert: certificates</h2>{}<h2>Sectigo: SSL certificates</h2>{}\
         <h2>DNSimple: certificates</h2>{}\
         <h2>Ledger</h2>{}</html>",
        world.now().strftime("%Y-%m-%d %H:%M:%S UTC"),
        orders(&world),
        certificates(&world),
        ssl(&world),
        bought(&world),
        ledger(&world),
        crl = crate::server::CRL_PATH,
    ))
}

const STYLE: &str = "body{font:14px system-ui;margin:2em auto;max-width:80em;padding:0 1em;color:#222}\
    table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3em .8em;border-bottom:1px solid #ddd}\
    th{color:#666;font-weight:500}td{font-variant-numeric:tabular-nums}";

fn orders(world: &World) -> String {
    let now = world.now();
    let rows = world.orders.iter().rev().map(|order| {
        let (from, till) = views::term(order);
        let names = world.certificates.get(order.primary).map(|row| row.dns_names.join(", "));
        let renewal = order.renewal_of.map(|id| format!("renews {id}")).unwrap_or_default();
        [
            order.id.to_string(),
            views::order_status(order, now).to_owned(),
            order.product.clone(),
            names.unwrap_or_default(),
            format!("{from} – {till}"),
            renewal,
        ]
    });
    table(["order", "status", "product", "names", "plan", ""], rows)
}

fn certificates(world: &World) -> String {
    let now = world.now();
    let rows = world.certificates.iter().rev().map(|row| {
        let issued = row.issued.as_ref();
        let status = match &row.revocation {
            Some(revocation) if issuance::revoked(row, now) => format!("revoked ({})", revocation.reason),
            Some(revocation) => format!("will be revoked {}", revocation.at.strftime("%Y-%m-%d")),
            None => views::certificate_status(world, row).to_owned(),
        };
        [
            row.id.to_string(),
            row.order.to_string(),
            row.common_name.clone(),
            status,
            issued.map(|issued| format!("{} – {}", issued.valid_from, issued.valid_till)).unwrap_or_default(),
            issued.map(|issued| issued.serial_number.clone()).unwrap_or_default(),
        ]
    });
    table(["certificate", "order", "common name", "status", "valid", "serial number"], rows)
}

fn ssl(world: &World) -> String {
    let rows = world.scm.certificates.iter().rev().map(|row| {
        let version = row.shown();
        let issued = version.and_then(|version| version.issued.as_ref());
        let renewal = row.renewal_of.map(|id| format!("renews {id}")).unwrap_or_default();
        [
            row.id.to_string(),
            row.status_name(world).to_owned(),
            version.map(|version| version.names.join(", ")).unwrap_or_default(),
            issued.map(|issued| format!("{} – {}", issued.valid_from, issued.valid_till)).unwrap_or_default(),
            issued.map(|issued| issued.serial_number.clone()).unwrap_or_default(),
            renewal,
        ]
    });
    table(["id", "status", "names", "valid", "serial number", ""], rows)
}

fn bought(world: &World) -> String {
    let rows = world.dnsimple.certificates.iter().rev().map(|row| {
        let issued = row.issued.as_ref();
        [
            row.id.to_string(),
            dnsimple::views::state(row).as_str().unwrap_or_default().to_owned(),
            row.names.join(", "),
            issued.map(|issued| format!("{} – {}", issued.valid_from, issued.valid_till)).unwrap_or_default(),
            issued.map(|issued| issued.serial_number.clone()).unwrap_or_default(),
            row.renewed_by.map(|id| format!("renewed by {id}")).unwrap_or_default(),
        ]
    });
    table(["id", "state", "names", "valid", "serial number", ""], rows)
}

fn ledger(world: &World) -> String {
    let rows = world.ledger.iter().rev().map(|operation| {
        [
            operation.at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            format!("{:?}", operation.kind).to_lowercase(),
            if operation.paid { "paid" } else { "free" }.to_owned(),
            operation.order_id.to_string(),
            operation.certificate_id.map(|id| id.to_string()).unwrap_or_default(),
            operation.dns_names.join(", "),
        ]
    });
    table(["at", "operation", "cost", "order", "certificate", "names"], rows)
}

fn table<const N: usize>(heads: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let heads: String = heads.iter().map(|head| format!("<th>{head}")).collect();
    let rows: String = rows
        .map(|cells| {
            let cells: String = cells.iter().map(|cell| format!("<td>{}", escape(cell))).collect();
            format!("<tr>{cells}")
        })
        .collect();
    format!("<table><tr>{heads}{rows}</table>")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
