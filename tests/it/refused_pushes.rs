//! Pushes that are not genuine are refused: nothing is written, and the answer reveals nothing.

mod callback_check;
mod parameters;
mod unknown_app_ids;

use serde_json::{Value, json};

use crate::support::push::{Push, encrypt, envelope, full, padded, sign, text_document};
use crate::support::{Answer, Binding, World};

const APP: &str = "wx00000000000000a1";

/// A bundle with a binding, a valid push, and the body of a refusal.
struct Refusing {
    world: World,
    binding: Binding,
    push: Push,
}

impl Refusing {
    async fn start() -> Self {
        Self::with(json!({ "app_id": APP })).await
    }

    /// The same with these fields of the binding.
    async fn with(fields: Value) -> Self {
        let world = World::start().await;
        let binding = world.bind_with(fields).await;
        let push =
            Push::new(&binding, &text_document("oPUSH-visitor", 1_772_438_400, 1, "a text of some length, 客服"));
        Self { world, binding, push }
    }

    /// Asserts that the push is refused with the usual body.
    async fn refuses(&self, what: &str, push: &Push) {
        assert_refused(what, &self.world.deliver(push).await);
    }

    /// Asserts that nothing was written or attempted, and that the unchanged push is accepted.
    async fn assert_nothing_stored(self) {
        assert_eq!(self.world.calls("MessageIngress", "PutItem"), 0);
        assert_eq!(self.world.items("inbound").await.len(), 0);
        assert_eq!(self.world.visitor(&self.binding, "oPUSH-visitor").messages().await.len(), 0);
        let taken = self.world.deliver(&self.push).await;
        assert_eq!((taken.status, taken.raw.as_str()), (200, "success"), "the test itself is wrong");
        assert_eq!(self.world.items("inbound").await.len(), 1);
    }
}

/// Asserts the one refusal that is used for every cause.
#[track_caller]
fn assert_refused(what: &str, answer: &Answer) {
    let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
    names.sort();
    let seen = (answer.status, answer.raw.as_str(), answer.header("content-type"), names.join(" "));
    let usual = "cache-control content-length content-type date x-content-type-options".to_owned();
    assert_eq!(seen, (403, "refused", "text/plain; charset=utf-8", usual), "{what}");
}

fn flipped(encrypted: &str, position: usize, bit: u8) -> String {
    let mut bytes = encrypted.as_bytes().to_vec();
    bytes[position] ^= 1 << bit;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn push_with_any_flipped_bit_in_encrypt_is_refused() {
    let refusing = Refusing::start().await;
    let document = text_document("oPUSH-visitor", 1_772_438_400, 1, "a text of some length, 客服");
    let encrypted = encrypt(&refusing.binding.key, &padded(full(document.as_bytes(), APP)));
    let step = encrypted.len() / 60;
    for (number, position) in (0..encrypted.len()).step_by(step).chain([encrypted.len() - 1]).enumerate() {
        let spoiled = flipped(&encrypted, position, u8::try_from(number % 7).unwrap());
        assert_ne!(spoiled, encrypted);
        let what = format!("position {position}");
        refusing.refuses(&what, &refusing.push.clone().with_encrypt(&spoiled)).await;
        // The same bit with a matching signature is covered by the tests of signed pushes.
    }
    refusing.assert_nothing_stored().await;
}

#[tokio::test]
async fn push_with_any_flipped_bit_in_signature_timestamp_or_nonce_is_refused() {
    let refusing = Refusing::start().await;
    for name in ["msg_signature", "timestamp", "nonce"] {
        let value = refusing.push.parameter(name).to_owned();
        for position in 0..value.len() {
            let spoiled = flipped(&value, position, 0);
            refusing.refuses(&format!("{name} {position}"), &refusing.push.clone().with(name, &spoiled)).await;
        }
        for spoiled in [String::new(), value.to_uppercase() + "x", format!("{value}0"), value[1..].to_owned()] {
            refusing.refuses(name, &refusing.push.clone().with(name, &spoiled)).await;
        }
    }
    let upper = refusing.push.parameter("msg_signature").to_uppercase();
    refusing.refuses("upper case", &refusing.push.clone().with("msg_signature", &upper)).await;
    refusing.assert_nothing_stored().await;
}

#[tokio::test]
async fn push_with_url_signature_as_msg_signature_is_refused() {
    let refusing = Refusing::start().await;
    let url_signature = refusing.push.parameter("signature").to_owned();
    refusing.refuses("instead", &refusing.push.clone().with("msg_signature", &url_signature)).await;
    refusing.refuses("alone", &refusing.push.clone().without("msg_signature")).await;
    // It is ignored, so a wrong one does not affect a valid push.
    let taken = refusing.world.deliver(&refusing.push.clone().with("signature", "0")).await;
    assert_eq!(taken.status, 200);
}

#[tokio::test]
async fn plaintext_push_is_refused() {
    let refusing = Refusing::start().await;
    let xml = text_document("oPUSH-visitor", 1_772_438_400, 1, "plain");
    let json = json!({"ToUserName": "gh_1", "FromUserName": "o1", "CreateTime": 1, "MsgType": "text", "Content": "x", "MsgId": 1});
    for body in [xml.clone(), json.to_string()] {
        refusing.refuses("in safe mode", &refusing.push.clone().with_body(body.clone())).await;
        // As in 明文模式: signed with `signature` only, not encrypted.
        let plain = refusing.push.clone().without("msg_signature").without("encrypt_type").with_body(body);
        refusing.refuses("in plain mode", &plain).await;
    }
    // Plaintext with a valid `msg_signature`.
    let signed = sign(&[&refusing.binding.token, refusing.push.parameter("timestamp"), "486452656", &xml]);
    refusing.refuses("signed", &refusing.push.clone().with_body(xml).with("msg_signature", &signed)).await;
    refusing.refuses("empty", &refusing.push.clone().with_body(envelope(""))).await;
    refusing.assert_nothing_stored().await;
}

#[tokio::test]
async fn signed_push_that_cannot_be_decrypted_is_refused() {
    let refusing = Refusing::start().await;
    let document = text_document("oPUSH-visitor", 1_772_438_400, 1, "x");
    let right = padded(full(document.as_bytes(), APP));
    let pad = usize::from(*right.last().unwrap());
    let sealed = encrypt(&refusing.binding.key, &right);

    let mut cases: Vec<(String, Push)> = Vec::new();
    let mut sealing = |what: &str, bytes: &[u8]| cases.push((what.to_owned(), Push::sealing(&refusing.binding, bytes)));
    let spoiled = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = right.clone();
        change(&mut bytes);
        bytes
    };
    for value in [0_u8, 33, 48, 255] {
        sealing(&format!("pad {value}"), &spoiled(&|bytes| *bytes.last_mut().unwrap() = value));
    }
    if pad > 1 {
        sealing("a pad of unequal bytes", &spoiled(&|bytes| bytes[right.len() - pad] ^= 1));
    }
    for length in
        [u32::MAX, 1 << 31, u32::try_from(right.len()).unwrap(), u32::try_from(document.len() + APP.len() + 1).unwrap()]
    {
        sealing(&format!("length {length}"), &spoiled(&|bytes| bytes[16..20].copy_from_slice(&length.to_be_bytes())));
    }
    sealing("no length at all", &padded(b"0123456789abcdef".to_vec()));
    sealing("a message that takes the appid's place", &padded(full(format!("{document}{APP}").as_bytes(), "")));
    sealing("nothing", &padded(Vec::new()));
    sealing("no random bytes", &padded(full(document.as_bytes(), APP)[16..].to_vec()));

    // Truncated within the last block and after the first.
    for keep in [sealed.len() - 4, sealed.len() - 8, 24, 20, 4] {
        cases.push((format!("the first {keep} characters"), Push::carrying(&refusing.binding, &sealed[..keep])));
    }
    let other = Binding { key: "OTHERkeyOTHERkeyOTHERkeyOTHERkeyOTHERkey000".to_owned(), ..refusing.binding.clone() };
    cases.push(("another key".to_owned(), Push::sealing(&other, &right)));
    for text in ["not base64!", "====", "AAAA", "A"] {
        cases.push((text.to_owned(), Push::carrying(&refusing.binding, text)));
    }
    for (what, push) in &cases {
        refusing.refuses(what, push).await;
    }
    refusing.assert_nothing_stored().await;
}

#[tokio::test]
async fn push_with_wrong_appid_is_refused() {
    let refusing = Refusing::start().await;
    let document = text_document("oPUSH-visitor", 1_772_438_400, 1, "hello");
    for other in
        ["wx00000000000000ff", "wx00000000000000a", "wx00000000000000a1x", "WX00000000000000A1", "gh_0a1b2c3d4e5f"]
    {
        let push = Push::sealing(&refusing.binding, &padded(full(document.as_bytes(), other)));
        refusing.refuses(other, &push).await;
    }
    // A push for one binding is refused by another, even with the same token and key.
    let shared = json!({
        "app_id": "wx00000000000000b2", "token": refusing.binding.token, "encoding_aes_key": refusing.binding.key,
    });
    let second = refusing.world.bind_with(shared).await;
    let mut misled = refusing.push.clone();
    misled.url.clone_from(&second.callback_url);
    refusing.refuses("replayed at the other's callback", &misled).await;
    refusing.assert_nothing_stored().await;
}

#[tokio::test]
async fn published_sample_push_with_wrong_appid_is_refused() {
    let world = World::start().await;
    world.clock.set("2025-06-15T15:06:47Z".parse().unwrap());
    let binding = json!({
        "app_id": APP, "token": "Zx9token", "encoding_aes_key": "mN8mN8mN8mN8mN8mN8mN8mN8mN8mN8mN8mN8mN8mN8J",
    });
    let binding = world.bind_with(binding).await;
    let encrypted = "TfRjVFKx/n41NO0392Y8jZ9/M0R7hKq/2FBIh6J64WW0ogMVInuNIvM7pV+mA2FEc6crmvM4F+e6+v5/OC1QKQ==";
    let push = Push::carrying(&binding, encrypted)
        .with("nonce", "20")
        .with("msg_signature", "b03e0352723d92263cd5793f71d365ceafff4b2c");
    assert_refused("N-wrong-appid", &world.deliver(&push).await);
    assert_eq!(world.calls("MessageIngress", "PutItem"), 0);
}

#[tokio::test]
async fn hostile_or_malformed_document_is_refused() {
    let refusing = Refusing::start().await;
    let inner = text_document("oPUSH-visitor", 1_772_438_400, 1, "x");
    let doctype = r#"<!DOCTYPE xml [<!ENTITY x SYSTEM "file:///etc/passwd">]>"#;
    let laughs = r#"<!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>"#;
    let outer = String::from_utf8(refusing.push.body.clone()).unwrap();
    for kind in [doctype, laughs, "<!doctype xml>"] {
        refusing.refuses("outside", &refusing.push.clone().with_body(format!("{kind}{outer}"))).await;
        refusing.refuses("inside", &Push::new(&refusing.binding, &format!("{kind}{inner}"))).await;
        let entity = inner.replace("<![CDATA[x]]>", "&b;");
        refusing.refuses("with an entity", &Push::new(&refusing.binding, &format!("{kind}{entity}"))).await;
    }
    let deep = "<a>".repeat(40_000);
    for body in [
        "",
        " ",
        "<xml>",
        "<xml></xml>",
        "{}",
        "[]",
        "null",
        "{\"Encrypt\":1}",
        "<xml><Encrypt>",
        "Encrypt=1",
        deep.as_str(),
    ] {
        refusing.refuses(&body[..body.len().min(20)], &refusing.push.clone().with_body(body)).await;
    }
    let unreadable = [
        "",
        "hello",
        "<xml>",
        "{",
        "[]",
        "<xml><MsgType>text</MsgType></xml>",
        "<xml><CreateTime>soon</CreateTime></xml>",
    ];
    for document in unreadable {
        refusing.refuses(document, &Push::new(&refusing.binding, document)).await;
    }
    refusing.assert_nothing_stored().await;
}

#[tokio::test]
async fn push_that_is_not_utf8_is_refused() {
    let refusing = Refusing::start().await;
    let mut outer = refusing.push.body.clone();
    outer.splice(5..5, *b"<A>\xff\xfe</A>");
    refusing.refuses("outside", &refusing.push.clone().with_body(outer)).await;
    let document = text_document("oPUSH-visitor", 1_772_438_400, 1, "X").into_bytes();
    for wrong in [b"\xff".as_slice(), b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe5\xae"] {
        let at = document.iter().position(|byte| *byte == b'X').unwrap();
        let spoiled = [&document[..at], wrong, &document[at + 1..]].concat();
        refusing.refuses("inside", &Push::sealing(&refusing.binding, &padded(full(&spoiled, APP)))).await;
    }
    refusing.assert_nothing_stored().await;
}

#[tokio::test]
async fn body_of_one_megabyte_returns_413() {
    let refusing = Refusing::start().await;
    let megabyte = 1024 * 1024;
    let right = Push::new(&refusing.binding, &text_document("oPUSH-visitor", 1_772_438_400, 2, &"x".repeat(megabyte)));
    let noise = refusing.push.clone().with_body(vec![b'<'; megabyte]);
    let unknown = Push { url: refusing.binding.callback_url.replace(APP, "wx00000000000000ff"), ..noise.clone() };
    for push in [right, noise, unknown] {
        let answer = refusing.world.deliver(&push).await;
        assert_eq!((answer.status, answer.raw.as_str()), (413, "too large"));
    }
    refusing.assert_nothing_stored().await;
}
