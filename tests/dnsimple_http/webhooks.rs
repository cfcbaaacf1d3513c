use super::*;

#[tokio::test]
async fn webhooks_are_made_listed_and_deleted() {
    let server = MockServer::start().await;
    let at = "1010/webhooks";
    let hook = json!({ "id": 1, "url": "https://hooks.example.com/s3cret", "suppressed_at": null });
    let body = json!({ "url": "https://hooks.example.com/s3cret" });
    takes(&server, at, body, status(201).set_body_json(json!({ "data": hook }))).await;
    let suppressed = json!({ "id": 2, "url": "https://other.example.com/", "suppressed_at": "2026-11-24T19:00:00Z" });
    // Not paginated.
    answers(&server, "GET", at, 200, json!({ "data": [hook, suppressed] })).await;
    call("DELETE", &format!("{at}/1")).respond_with(status(204)).expect(1).mount(&server).await;
    answers(&server, "DELETE", &format!("{at}/2"), 404, json!({ "message": "Webhook `2` not found" })).await;
    let account = account(&server);
    let url = "https://hooks.example.com/s3cret".into();
    let made = account.create_webhook(&url).await.unwrap();
    assert_eq!(made.id.as_deref(), Some("1"));
    assert!(!format!("{made:?}").contains("s3cret"));
    let listed = account.webhooks().await.unwrap();
    assert_eq!(listed.iter().map(|hook| hook.suppressed_at.is_some()).collect::<Vec<_>>(), [false, true]);
    for id in ["1", "2"] {
        assert_eq!(account.delete_webhook(id).await, Ok(()));
    }
}

/// Who knows where they are sent could send them.
#[tokio::test]
async fn an_echoed_url_is_never_shown() {
    let server = MockServer::start().await;
    let refused = json!({ "message": "Validation failed: https://hooks.example.com/s3cret", "errors": {} });
    answers(&server, "POST", "1010/webhooks", 400, refused).await;
    let error = account(&server).create_webhook(&"https://hooks.example.com/s3cret".into()).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
}
