use serde_json::{Value, json};

use crate::client::{Client, Key, leaf, pem_blocks, today_plus};

#[tokio::test]
async fn a_valid_domain_is_issued_at_once_for_our_key() {
    let client = Client::instant().await;
    for (key, hash) in [(Key::ecdsa(), "sha256"), (Key::rsa(), "sha384")] {
        let mut body = client.order(&["shop.example.com", "*.example.com"], &key.csr());
        body["certificate"]["signature_hash"] = json!(hash);
        let answer = client.post("/order/certificate/ssl_basic", body).await;
        assert!(answer["id"].is_u64() && answer["certificate_id"].is_u64());
        assert_eq!(answer["requests"][0]["status"], "approved");
        assert_eq!(answer.get("dcv_random_value"), None);

        let pem = answer["certificate_chain"][0]["pem"].as_str().unwrap();
        assert!(pem.contains("\r\n") && !pem.replace("\r\n", "").contains('\n'));
        let leaf = leaf(pem);
        assert_eq!(leaf.spki, key.spki());
        assert_eq!(leaf.names, ["shop.example.com", "*.example.com"]);
        assert!(leaf.not_after.starts_with(&today_plus(199)), "{leaf:?}");

        let file = client.download(&answer["certificate_id"], "pem_all").await;
        assert_eq!(file.content_type.as_deref(), Some("application/x-pem-file"));
        assert!(file.text.ends_with("-----END CERTIFICATE-----\n"));
        let chain = pem_blocks(&file.text);
        assert_eq!(chain, pem_blocks(&chain_text(&answer)));
        assert_eq!(chain[2], pem_blocks(client.ready["ca"].as_str().unwrap())[0]);
        for pair in chain.windows(2) {
            let (_, lower) = x509_parser::parse_x509_certificate(&pair[0]).unwrap();
            let (_, upper) = x509_parser::parse_x509_certificate(&pair[1]).unwrap();
            lower.verify_signature(Some(upper.public_key())).unwrap();
        }
    }
    assert_eq!(client.operations().await, ["order", "order"]);
}

fn chain_text(answer: &Value) -> String {
    let links = answer["certificate_chain"].as_array().unwrap();
    links.iter().map(|link| link["pem"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_dv_order_is_pending_with_a_random_value_first() {
    let client = Client::instant().await;
    let key = Key::ecdsa();
    let mut body = client.order(&["a.example.com", "b.example.com"], &key.csr());
    body.as_object_mut().unwrap().remove("organization");
    let answer = client.post("/order/certificate/ssl_dv_geotrust_flex", body).await;
    assert_eq!(answer["dcv_random_value"].as_str().unwrap().len(), 32);
    assert_eq!(answer["domains"].as_array().unwrap().len(), 2);
    assert_eq!(answer["domains"][1]["name"], "b.example.com");
    assert_eq!(answer["domains"][0]["dcv_token"]["token"], answer["dcv_random_value"]);
    assert_eq!(answer.get("certificate_chain"), None);
    let info = client.order_info(&answer["id"]).await;
    assert_eq!(info["status"], "issued");
    assert_eq!(info["product"]["validation_type"], "dv");
}

#[tokio::test]
async fn order_info_is_found_by_id_serial_number_and_thumbprint() {
    let client = Client::instant().await;
    let key = Key::ecdsa();
    let mut body = client.order(&["www.example.com"], &key.csr());
    body["alternative_order_id"] = json!("my-id");
    body["certificate"]["server_platform"] = json!({"id": 45});
    let order = client.post("/order/certificate/ssl_basic", body).await;
    let info = client.order_info(&order["id"]).await;
    assert_eq!(info["status"], "issued");
    assert_eq!(info["alternative_order_id"], "my-id");
    assert_eq!(info["order_valid_till"], "2027-06-01");
    let certificate = &info["certificate"];
    assert_eq!(certificate["id"], order["certificate_id"]);
    assert_eq!(certificate["csr"], key.csr());
    assert_eq!(certificate["server_platform"]["id"], 45);
    assert_eq!(certificate["valid_till"], json!(today_plus(199)));
    assert_eq!(certificate["dns_names"], json!(["www.example.com"]));
    assert_eq!(info["product"]["name_id"], "ssl_basic");
    assert!(info["date_created"].as_str().unwrap().ends_with("+00:00"));
    for name in ["serial_number", "thumbprint"] {
        let path = format!("/order/certificate/{}", certificate[name].as_str().unwrap());
        let same = client.get(&path).await;
        assert_eq!(same["id"], order["id"]);
    }
    let found = client.get("/order/alternate/my-id").await;
    let row = json!({"order_id": order["id"], "certificate_id": order["certificate_id"], "status": "issued"});
    assert_eq!(found["orders"], json!([row]));
    assert_eq!(client.get("/order/alternate/none").await["page"]["total"], 0);
}

#[tokio::test]
async fn validity_is_what_was_asked_within_the_limits() {
    let client = Client::instant().await;
    for (certificate, order, expected) in [
        (json!({"days": 30}), json!({"years": 1}), 30),
        (json!({"years": 1}), json!({"years": 1}), 199),
        (json!({}), json!({"days": 90}), 90),
        (json!({"custom_expiration_date": today_plus(12)}), json!({"years": 2}), 12),
    ] {
        let mut body = client.order(&["www.example.com"], &Key::ecdsa().csr());
        body["certificate"]["cert_validity"] = certificate;
        body["order_validity"] = order;
        let answer = client.post("/order/certificate/ssl_basic", body).await;
        let info = client.order_info(&answer["id"]).await;
        assert_eq!(info["certificate"]["valid_till"], json!(today_plus(expected)));
    }
    let mut legacy = client.order(&["www.example.com"], &Key::ecdsa().csr());
    legacy.as_object_mut().unwrap().remove("order_validity");
    legacy["validity_years"] = json!("2");
    let answer = client.post("/order/certificate/ssl_basic", legacy).await;
    assert_eq!(client.order_info(&answer["id"]).await["is_multi_year_plan"], "1");
}

#[tokio::test]
async fn a_csr_without_line_breaks_is_taken() {
    let client = Client::instant().await;
    let key = Key::ecdsa();
    let flat = key.csr().replace(['\r', '\n'], "");
    let answer = client.post("/order/certificate/ssl_basic", client.order(&["a.example.com"], &flat)).await;
    assert_eq!(leaf(answer["certificate_chain"][0]["pem"].as_str().unwrap()).spki, key.spki());
    assert_eq!(client.order_info(&answer["id"]).await["certificate"]["csr"], flat);
}

#[tokio::test]
async fn what_is_wrong_is_refused_in_the_vendors_words_and_costs_nothing() {
    let client = Client::instant().await;
    let csr = Key::ecdsa().csr();
    let good = client.order(&["www.example.com"], &csr);
    let with = |path: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(path).unwrap() = value;
        body
    };
    let mut longer = good.clone();
    longer["certificate"]["cert_validity"] = json!({"days": 400});
    for (body, status, code) in [
        (with("/certificate/common_name", json!(null)), 400, "invalid_value:common_name"),
        (with("/certificate/common_name", json!("local")), 400, "invalid_value:common_name"),
        (with("/certificate/dns_names", json!(["a..b"])), 400, "invalid_value:dns_names"),
        (with("/certificate/csr", json!("nonsense")), 400, "csr_invalid_cannot_parse"),
        (with("/certificate/signature_hash", json!("md5")), 400, "invalid_value:signature_hash"),
        (with("/order_validity", json!({"years": 4})), 400, "invalid_value:validity_years"),
        (with("/order_validity", json!({})), 400, "invalid_value:validity_years"),
        (
            with("/order_validity", json!({"custom_expiration_date": "2020-01-01"})),
            400,
            "invalid_value:custom_expiration_date",
        ),
        (with("/organization/id", json!(1)), 404, "not_found|organization"),
        (with("/organization/id", json!("x")), 400, "bad_request_format"),
        (with("/dcv_method", json!("pigeon")), 400, "invalid_value:dcv_method"),
        (with("/certificate", json!(7)), 400, "bad_request_format"),
        (json!([]), 400, "bad_request_format"),
        (longer, 400, "cert_validity_exceeds_order_validity"),
    ] {
        let answer = client.call("POST", "/order/certificate/ssl_basic", Some(body.clone())).await;
        assert_eq!(answer.error(), (status, code.to_owned()), "{body}");
    }
    let answer = client.call("POST", "/order/certificate/ssl_unknown", Some(good.clone())).await;
    assert_eq!(answer.error(), (404, "not_found|product".into()));
    let mut wildcard = client.order(&["*.example.com"], &csr);
    let answer = client.call("POST", "/order/certificate/ssl_ev_basic", Some(wildcard.clone())).await;
    assert_eq!(answer.error(), (400, "invalid_value:dns_names".into()));
    wildcard["dcv_method"] = json!("http-token");
    let answer = client.call("POST", "/order/certificate/ssl_basic", Some(wildcard)).await;
    assert_eq!(answer.error(), (400, "invalid_value:dcv_method".into()));
    assert!(client.operations().await.is_empty());
}

#[tokio::test]
async fn unreadable_requests_are_answered() {
    let client = Client::instant().await;
    for (method, path, status, code) in [
        ("GET", "/nothing/here", 404, "not_found|route"),
        ("DELETE", "/user/me", 404, "not_found|route"),
        ("GET", "/order/certificate/99999999999999999999999", 404, "not_found|order"),
        ("GET", "/order/certificate/%00%F0%9F%92%A3", 404, "not_found|order"),
        ("GET", "/order/certificate/%FF", 400, "bad_request_format"),
        ("GET", "/certificate/1/download/format/pem_all", 404, "not_found|certificate"),
        ("PUT", "/request/-1/status", 404, "not_found|request"),
        ("GET", "/domain/x", 404, "not_found|domain"),
        ("GET", "/organization/1", 404, "not_found|organization"),
        ("GET", "/order/certificate/status-changes?minutes=11000", 400, "time_frame_too_long"),
    ] {
        assert_eq!(client.call(method, path, None).await.error(), (status, code.to_owned()), "{path}");
    }
}

#[tokio::test]
async fn keys_and_organizations_are_told_apart() {
    let mut client = Client::instant().await;
    let order = client.place(&["www.example.com"]).await;
    let body = client.order(&["www.example.com"], &Key::ecdsa().csr());
    let newcomer = client.ready["digicert"]["unvalidated"].clone();

    client.key = "wrong".into();
    let answer = client.call("GET", "/user/me", None).await;
    assert_eq!(answer.error(), (403, "access_denied|access_denied_invalid_key".into()));

    client.key = client.ready["digicert"]["viewOnlyApiKey"].as_str().unwrap().into();
    assert_eq!(client.get("/user/me").await["access_roles"][0]["name"], "View only");
    let answer = client.call("POST", "/order/certificate/ssl_basic", Some(body.clone())).await;
    assert_eq!(answer.error(), (403, "access_denied|missing_permission".into()));

    client.key = newcomer["apiKey"].as_str().unwrap().into();
    let answer = client.call("GET", &format!("/order/certificate/{}", order["id"]), None).await;
    assert_eq!(answer.error(), (404, "not_found|order".into()));
    let answer = client.call("POST", "/order/certificate/ssl_basic", Some(body.clone())).await;
    assert_eq!(answer.error(), (404, "not_found|organization".into()));
    let mut own = body;
    own["organization"]["id"] = newcomer["organizationId"].clone();
    let pending = client.post("/order/certificate/ssl_basic", own).await;
    assert_eq!(client.order_info(&pending["id"]).await["status"], "pending");
    let path = format!("/_sandbox/organizations/{}/validate", newcomer["organizationId"]);
    client.silent("POST", &path, json!({})).await;
    assert_eq!(client.order_info(&pending["id"]).await["status"], "issued");
}

/// Whatever stands where something else is expected, the answer is an answer.
#[tokio::test]
async fn no_body_brings_it_down() {
    let client = Client::start(&["--dcv", "instant", "--rate-limit", "off"]).await;
    let order = client.place(&["www.example.com"]).await;
    let (order, certificate) = (&order["id"], &order["certificate_id"]);
    let good = client.order(&["www.example.com"], &Key::ecdsa().csr());
    let fields: Vec<String> = pointers(&good, "").into_iter().chain(["/status".into(), "/name".into()]).collect();
    let odd = [
        json!(null),
        json!(-1),
        json!(u64::MAX),
        json!("\u{0}\u{1F4A3}"),
        json!("9999-12-31"),
        json!([null]),
        json!({}),
    ];
    for (method, path) in [
        ("POST", "/order/certificate/ssl_basic".to_owned()),
        ("POST", format!("/order/certificate/{order}/reissue")),
        ("POST", format!("/order/certificate/{order}/duplicate")),
        ("POST", format!("/order/certificate/{order}/csr")),
        ("PUT", format!("/order/certificate/{order}/status")),
        ("PUT", format!("/order/certificate/{order}/dcv-method")),
        ("PUT", format!("/order/certificate/{order}/check-dcv")),
        ("PUT", format!("/certificate/{certificate}/revoke")),
        ("PUT", "/request/1/status".to_owned()),
        ("POST", "/domain".to_owned()),
    ] {
        for field in &fields {
            for value in &odd {
                let mut body = good.clone();
                match body.pointer_mut(field) {
                    Some(place) => *place = value.clone(),
                    None => body[field.trim_start_matches('/')] = value.clone(),
                }
                let answer = client.try_call(method, &path, Some(body)).await;
                let answer = answer.unwrap_or_else(|error| panic!("{path} {field} {value}: {error}"));
                assert!(answer.status < 500, "{path} {field} {value}: {answer:?}");
                if answer.status >= 400 {
                    answer.error();
                }
            }
        }
    }
}

fn pointers(value: &Value, at: &str) -> Vec<String> {
    let inner = value.as_object().into_iter().flatten();
    let inner = inner.flat_map(|(key, value)| pointers(value, &format!("{at}/{key}")));
    inner.chain((!at.is_empty()).then(|| at.to_owned())).collect()
}
