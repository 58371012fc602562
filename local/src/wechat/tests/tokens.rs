use jiff::SignedDuration;
use serde_json::json;

use super::{APP, Bench, OPENID, OTHER, SECRET, code, text};

/// The errcode of a call with a token; 0 if the token is valid.
async fn token_errcode(bench: &Bench, token: &str) -> i64 {
    match bench.send_text_to_visitor(token).await {
        40003 | 45015 | 45047 => 0,
        errcode => errcode,
    }
}

#[tokio::test]
async fn stable_token_is_the_same_until_its_last_five_minutes() {
    let bench = Bench::ready().await;
    let first = bench.stable(APP, SECRET).await;
    assert_eq!(first["expires_in"], 7200);
    bench.advance(SignedDuration::from_secs(6000));
    let same = bench.stable(APP, SECRET).await;
    assert_eq!((&same["access_token"], &same["expires_in"]), (&first["access_token"], &json!(1200)));

    bench.advance(SignedDuration::from_secs(900));
    let next = bench.stable(APP, SECRET).await;
    assert_ne!(next["access_token"], first["access_token"]);
    let (old, new) = (text(&first["access_token"]), text(&next["access_token"]));
    assert_eq!((token_errcode(&bench, &old).await, token_errcode(&bench, &new).await), (0, 0));
    bench.advance(SignedDuration::from_secs(300));
    assert_eq!((token_errcode(&bench, &old).await, token_errcode(&bench, &new).await), (42001, 0));
}

#[tokio::test]
async fn force_refresh_revokes_the_previous_token_at_most_once_in_30_seconds() {
    let bench = Bench::ready().await;
    let force = json!({ "grant_type": "client_credential", "appid": APP, "secret": SECRET, "force_refresh": true });
    let old = bench.token().await;
    let new = bench.post("/cgi-bin/stable_token", force.clone()).await;
    let again = bench.post("/cgi-bin/stable_token", force.clone()).await;
    assert_eq!(new["access_token"], again["access_token"]);
    assert_eq!(
        (token_errcode(&bench, &old).await, token_errcode(&bench, &text(&new["access_token"])).await),
        (40001, 0)
    );
    for _ in 0..19 {
        bench.advance(SignedDuration::from_secs(30));
        assert_eq!(code(&bench.post("/cgi-bin/stable_token", force.clone()).await), 0);
    }
    bench.advance(SignedDuration::from_secs(30));
    assert_eq!(code(&bench.post("/cgi-bin/stable_token", force).await), 45009);
}

#[tokio::test]
async fn token_is_new_each_time_and_independent_of_stable_token() {
    let bench = Bench::ready().await;
    let path = format!("/cgi-bin/token?grant_type=client_credential&appid={APP}&secret={SECRET}");
    let stable = bench.token().await;
    let first = text(&bench.get(&path).await["access_token"]);
    let second = text(&bench.get(&path).await["access_token"]);
    assert_ne!(first, second);
    bench.advance(SignedDuration::from_secs(299));
    assert_eq!(token_errcode(&bench, &first).await, 0);
    bench.advance(SignedDuration::from_secs(1));
    assert_eq!((token_errcode(&bench, &first).await, token_errcode(&bench, &second).await), (42001, 0));
    assert_eq!((token_errcode(&bench, &stable).await, bench.token().await), (0, stable));
}

#[tokio::test]
async fn wrong_credentials_have_their_errcodes() {
    let bench = Bench::ready().await;
    assert_eq!(code(&bench.stable(APP, "another").await), 40125);
    assert_eq!(code(&bench.stable("wx1", SECRET).await), 40013);
    assert_eq!(code(&bench.stable("", SECRET).await), 41002);
    assert_eq!(code(&bench.stable(APP, "").await), 41004);
    assert_eq!(code(&bench.get("/cgi-bin/token?grant_type=refresh").await), 40002);
    assert_eq!(code(&bench.get("/cgi-bin/stable_token").await), 43002);
    assert_eq!(code(&bench.post("/cgi-bin/stable_token", json!([])).await), 47001);

    let path = format!("/sim/mini-programs/{APP}");
    bench.patch(&path, json!({ "frozen": true })).await;
    assert_eq!(code(&bench.stable(APP, SECRET).await), 40243);
    bench.patch(&path, json!({ "frozen": false, "whitelist": ["203.0.113.7"] })).await;
    let refused = bench.stable(APP, SECRET).await;
    assert_eq!(code(&refused), 40164);
    assert!(text(&refused["errmsg"]).contains("127.0.0.1"));
    bench.patch(&path, json!({ "whitelist": null })).await;
    assert_eq!(code(&bench.stable(APP, SECRET).await), 0);
}

#[tokio::test]
async fn unknown_mini_program_is_registered_unless_strict() {
    let bench = Bench::ready().await;
    assert_eq!(code(&bench.stable(OTHER, "wrong-one").await), 40125);
    assert_eq!(code(&bench.stable(OTHER, "first").await), 0);
    assert_eq!(code(&bench.stable(OTHER, "second").await), 40125);
    bench.put("/sim/settings", json!({ "strict": true })).await;
    assert_eq!(code(&bench.stable("wx00000000000000c3", "any").await), 40013);
}

#[tokio::test]
async fn reset_of_the_secret_invalidates_the_old_secret_and_its_tokens() {
    let bench = Bench::ready().await;
    let old = bench.token().await;
    bench.post("/sim/mini-programs", json!({ "app_id": APP, "app_secret": "new" })).await;
    assert_eq!((token_errcode(&bench, &old).await, code(&bench.stable(APP, SECRET).await)), (40001, 40125));
    assert_eq!(code(&bench.stable(APP, "new").await), 0);
}

#[tokio::test]
async fn invalid_expired_and_missing_tokens_have_their_errcodes() {
    let bench = Bench::ready().await;
    for errcode in [42001, 40001, 40014] {
        let token = bench.token().await;
        bench.post(&format!("/sim/mini-programs/{APP}/expire-tokens"), json!({ "errcode": errcode })).await;
        assert_eq!(token_errcode(&bench, &token).await, errcode);
        assert_eq!(token_errcode(&bench, &bench.token().await).await, 0);
    }
    assert_eq!(token_errcode(&bench, "").await, 41001);
    assert_eq!(token_errcode(&bench, "bogus").await, 40014);
    assert_eq!(token_errcode(&bench, &"x".repeat(136)).await, 40001);
    assert!(bench.received().await.is_empty(), "{OPENID} never came");
}
