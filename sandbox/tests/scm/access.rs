use serde_json::json;

use crate::client::Client;

fn password(client: &Client, login: &str, password: &str) -> [(&'static str, String); 3] {
    let uri = client.scm["customerUri"].as_str().unwrap();
    [("login", login.to_owned()), ("password", password.to_owned()), ("customerUri", uri.to_owned())]
}

#[tokio::test]
async fn a_password_that_is_wrong_is_that_of_an_unknown_user() {
    let client = Client::instant().await;
    let login = client.scm["login"].as_str().unwrap();
    let answer = client.call_as(&password(&client, login, "wrong"), "GET", "ssl", None).await;
    assert_eq!(answer.text(), r#"{"code":-16,"description":"Unknown user"}"#);
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, ""));
    let other = client.ready["sectigo"]["prevalidated"]["password"].as_str().unwrap();
    let answer = client.call_as(&password(&client, login, other), "GET", "ssl", None).await;
    assert_eq!(answer.error(), (401, -16), "the password of another customer");
    assert_eq!(client.get("ssl").await, json!([]));
}

#[tokio::test]
async fn tokens_are_had_for_a_secret_and_end() {
    let client = Client::start(&["--dcv", "instant", "--token-seconds", "7200"]).await;
    let [id, secret] = ["clientId", "clientSecret"].map(|name| client.scm[name].as_str().unwrap());
    let grant = ("grant_type", "client_credentials");
    let answer = client.token(&[grant, ("client_id", id), ("client_secret", secret)]).await;
    let token = answer.json();
    assert_eq!((&token["token_type"], &token["expires_in"]), (&json!("Bearer"), &json!(7200)));
    let bearer = [("authorization", format!("Bearer {}", token["access_token"].as_str().unwrap()))];
    assert_eq!(client.call_as(&bearer, "GET", "ssl", None).await.status, 200);

    // Tokens live in real time.
    client.advance("1d").await;
    assert_eq!(client.call_as(&bearer, "GET", "ssl", None).await.status, 200);
    client.admin("DELETE", "/scm/tokens", json!(null)).await;
    let answer = client.call_as(&bearer, "GET", "ssl", None).await;
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, client.scm["tokenUrl"].as_str().unwrap()));

    let answer = client.token(&[grant, ("client_id", id), ("client_secret", "x")]).await;
    assert_eq!((answer.status, &answer.json()["error"]), (401, &json!("invalid_client")));
    let answer = client.token(&[("grant_type", "password"), ("client_id", id), ("client_secret", secret)]).await;
    assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("unsupported_grant_type")));
}

#[tokio::test]
async fn a_token_ends_after_the_seconds_it_was_given() {
    let client = Client::start(&["--dcv", "instant", "--token-seconds", "0"]).await;
    let [id, secret] = ["clientId", "clientSecret"].map(|name| client.scm[name].as_str().unwrap());
    let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    let token = client.token(&form).await.json();
    let bearer = [("authorization", format!("Bearer {}", token["access_token"].as_str().unwrap()))];
    assert_eq!(client.call_as(&bearer, "GET", "ssl", None).await.status, 401);
}

#[tokio::test]
async fn who_may_only_look_changes_nothing() {
    let client = Client::instant().await;
    let viewer = &client.scm["viewer"];
    let viewer = password(&client, viewer["login"].as_str().unwrap(), viewer["password"].as_str().unwrap());
    assert_eq!(client.call_as(&viewer, "GET", "ssl/types", None).await.status, 200);
    let csr = crate::client::Key::new("www.example.com").csr;
    let body = client.enrolment(&["www.example.com"], &csr);
    assert_eq!(client.call_as(&viewer, "POST", "ssl/enroll", Some(body)).await.error(), (400, -3));
    assert!(client.operations().await.is_empty());
}

#[tokio::test]
async fn a_certificate_stands_for_a_password_at_a_door_of_its_own() {
    let client = Client::instant().await;
    let ca = reqwest::Certificate::from_pem(client.ready["ca"].as_str().unwrap().as_bytes()).unwrap();
    let of = |scm: &serde_json::Value| {
        let text = |name: &str| scm["clientCertificate"][name].as_str().unwrap().to_owned();
        reqwest::Identity::from_pem((text("certificate") + &text("key")).as_bytes()).unwrap()
    };
    let http = |identity: Option<reqwest::Identity>| {
        let builder = reqwest::Client::builder().no_proxy().tls_certs_only([ca.clone()]);
        identity.into_iter().fold(builder, |builder, identity| builder.identity(identity)).build().unwrap()
    };
    let url = client.scm["clientCertificate"]["url"].as_str().unwrap();
    let [login, _, uri] = client.password();
    let status = async |http: reqwest::Client, url: &str| {
        let request = http.get(format!("{url}/ssl/v1/types")).header(login.0, &login.1).header(uri.0, &uri.1);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(http(Some(of(&client.scm))), url).await, 200);
    assert_eq!(status(http(None), url).await, 401, "without a certificate");
    assert_eq!(status(http(Some(of(&client.scm["prevalidated"]))), url).await, 401, "with that of another");
    let public = url.replace("/private", "");
    assert_eq!(status(http(Some(of(&client.scm))), &public).await, 401, "at the door for passwords");
    let plain = format!("{}/private/api", client.ready["url"].as_str().unwrap());
    assert_eq!(status(http(Some(of(&client.scm))), &plain).await, 401, "without TLS");
}
