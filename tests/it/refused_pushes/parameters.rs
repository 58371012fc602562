//! The parameters of a request are in WeChat's form, so that the parts that a signature covers cannot be split differently.

use serde_json::json;

use super::{APP, Refusing, assert_refused};
use crate::support::Answer;
use crate::support::push::{Push, encrypt, full, padded, sign, text_document};

/// The value of `Encrypt` of the genuine push.
fn encrypted(refusing: &Refusing) -> String {
    let document = text_document("oPUSH-visitor", 1_772_438_400, 1, "a text of some length, 客服");
    encrypt(&refusing.binding.key, &padded(full(document.as_bytes(), APP)))
}

/// A check of the callback URL with a valid signature.
async fn check(refusing: &Refusing, timestamp: &str, nonce: &str, echostr: &str) -> Answer {
    let signature = sign(&[&refusing.binding.token, timestamp, nonce]);
    let query = [("signature", signature.as_str()), ("timestamp", timestamp), ("nonce", nonce), ("echostr", echostr)];
    refusing.world.check(&refusing.binding.callback_url, &query).await
}

/// Asserts that a push and a check that are validly signed with these parameters are refused without a read.
async fn refuses_both(refusing: &Refusing, what: &str, timestamp: &str, nonce: &str) {
    let push = Push::signed(&refusing.binding, &encrypted(refusing), timestamp, nonce);
    refusing.refuses(what, &push).await;
    assert_refused(what, &check(refusing, timestamp, nonce, "8765").await);
}

#[tokio::test]
async fn parameters_split_differently_are_refused_though_the_signature_is_equal() {
    // The token and the encrypted text sort behind the digits.
    let fields = json!({
        "app_id": APP, "token": "SampleToken2026", "encoding_aes_key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    });
    let refusing = Refusing::with(fields).await;
    let (timestamp, nonce) = (refusing.push.parameter("timestamp"), refusing.push.parameter("nonce"));
    let (token, encrypted) = (refusing.binding.token.as_str(), encrypted(&refusing));
    let all = format!("{timestamp}{nonce}");
    for digits in [7, 11, 12] {
        let (shorter, longer) = all.split_at(digits);
        assert_eq!(sign(&[token, timestamp, nonce]), sign(&[token, shorter, longer]), "{digits}");
        assert_eq!(refusing.push.parameter("msg_signature"), sign(&[token, shorter, longer, &encrypted]), "{digits}");
        let shifted = refusing.push.clone().with("timestamp", shorter).with("nonce", longer);
        refusing.refuses(&format!("{digits} digits"), &shifted).await;
        assert_refused(shorter, &check(&refusing, shorter, longer, "8765").await);
    }
    refusing.assert_nothing_stored().await;
}

#[tokio::test]
async fn validly_signed_parameters_of_another_form_are_refused() {
    let refusing = Refusing::start().await;
    refusing.world.bundle.reset_request_counts();
    let now = refusing.world.now().as_second();
    let timestamps = ["", "+1", " 1772438400", "1772438400 ", "１７７２４３８４００", "1772438400.0", "-1", "now"];
    for timestamp in timestamps {
        refuses_both(&refusing, timestamp, timestamp, "486452656").await;
    }
    for minutes in [-61, 61] {
        refuses_both(&refusing, "61 minutes", &(now + 60 * minutes).to_string(), "486452656").await;
    }
    let long = "1".repeat(33);
    for nonce in ["", " ", "4864 52656", "４８６", "a-b", "a_b", long.as_str()] {
        refuses_both(&refusing, nonce, &now.to_string(), nonce).await;
    }
    for name in ["timestamp", "nonce"] {
        refusing.refuses(name, &refusing.push.clone().without(name)).await;
    }
    for name in ["timestamp", "nonce", "msg_signature"] {
        let mut repeated = refusing.push.clone();
        repeated.query.push((name.to_owned(), refusing.push.parameter(name).to_owned()));
        refusing.refuses(name, &repeated).await;
    }
    refusing.refuses("no query", &Push { query: Vec::new(), ..refusing.push.clone() }).await;
    assert_eq!(refusing.world.calls("MessageIngress", "GetItem"), 0, "refused before anything is read");
    assert_eq!(refusing.world.calls("CallbackVerify", "GetItem"), 0, "refused before anything is read");
    refusing.assert_nothing_stored().await;
}

#[tokio::test]
async fn timestamp_within_an_hour_is_accepted() {
    let refusing = Refusing::start().await;
    let now = refusing.world.now().as_second();
    for minutes in [-60, 60] {
        let timestamp = (now + 60 * minutes).to_string();
        let push = Push::signed(&refusing.binding, &encrypted(&refusing), &timestamp, &"aZ09".repeat(8));
        assert_eq!(refusing.world.deliver(&push).await.status, 200, "{minutes} minutes");
        assert_eq!(check(&refusing, &timestamp, "1", "8765").await.raw, "8765", "{minutes} minutes");
    }
}

#[tokio::test]
async fn echostr_that_is_not_alphanumeric_is_refused_and_verifies_nothing() {
    let mut refusing = Refusing::start().await;
    // A new token has to be verified again.
    let path = format!("/api/bindings/{APP}");
    refusing.world.patch(&path, &json!({ "token": "NEWtoken2026" })).await.expect(200);
    refusing.binding.token = "NEWtoken2026".to_owned();
    let now = refusing.world.now().as_second().to_string();
    let long = "1".repeat(129);
    for echostr in ["", "<b>", "1 2", "1\n2", "\"1\"", "４３７５", "é", long.as_str()] {
        assert_refused(echostr, &check(&refusing, &now, "1", echostr).await);
    }
    assert_eq!(refusing.world.get(&path).await.body["status"], "unverified");
    assert_eq!(check(&refusing, &now, "1", &long[1..]).await.raw, long[1..]);
}
