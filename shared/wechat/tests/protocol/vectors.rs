//! WeChat's own examples, and two of ours that must be refused.

use serde::Deserialize;
use wechat::{EncodingAesKey, Error, Format, PushCredentials, Token, WhichKey, crypto, push, reply::Reply, signature};

#[derive(Deserialize)]
struct Vector {
    id: String,
    kind: String,
    token: String,
    #[serde(default)]
    encoding_aes_key: String,
    #[serde(default)]
    appid: String,
    expected_appid: Option<String>,
    timestamp: Option<String>,
    nonce: Option<String>,
    random: Option<String>,
    plaintext: Option<String>,
    trailing_appid: Option<String>,
    pad: Option<usize>,
    encrypt: Option<String>,
    msg_signature: Option<String>,
    signature: Option<String>,
    plain_signature: Option<String>,
    expect: String,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../vectors/wechat.json")).unwrap()
}

#[test]
fn vectors_encrypt_decrypt_and_verify() {
    let mut seen = Vec::new();
    for vector in vectors() {
        match vector.kind.as_str() {
            "official-encrypt" => encrypts(&vector),
            "official-decrypt" => decrypts(&vector),
            "official-url-verify" | "official-plain-signature" => verifies(&vector),
            "synthetic" => refuses(&vector),
            kind => panic!("{}: {kind}", vector.id),
        }
        seen.push(vector.id);
    }
    assert_eq!(seen.join(" "), "A1 A2 B C E F E-reply F-reply G1 G2 N-wrong-appid N-bad-signature");
}

impl Vector {
    fn token(&self) -> Token {
        Token::parse(&self.token).unwrap()
    }

    fn key(&self) -> EncodingAesKey {
        EncodingAesKey::parse(&self.encoding_aes_key).unwrap()
    }

    fn random(&self) -> [u8; 16] {
        self.random.as_deref().unwrap().as_bytes().try_into().unwrap()
    }

    fn encrypt(&self) -> &str {
        self.encrypt.as_deref().unwrap()
    }

    fn plaintext(&self) -> &str {
        self.plaintext.as_deref().unwrap()
    }

    fn stamp(&self) -> (&str, &str) {
        (self.timestamp.as_deref().unwrap(), self.nonce.as_deref().unwrap())
    }

    fn msg_signature_matches(&self) -> bool {
        let (timestamp, nonce) = self.stamp();
        let right = signature::msg_signature(&self.token(), timestamp, nonce, self.encrypt());
        signature::matches(self.msg_signature.as_deref().unwrap(), &right)
    }
}

fn encrypts(vector: &Vector) {
    let encrypt = crypto::encrypt_with(&vector.key(), &vector.appid, vector.plaintext(), vector.random()).unwrap();
    assert_eq!(encrypt, vector.encrypt(), "{}", vector.id);
    if let Some(msg_signature) = &vector.msg_signature {
        let (timestamp, nonce) = vector.stamp();
        let reply = Reply::sign(&vector.token(), encrypt.clone(), timestamp.parse().unwrap(), nonce);
        assert_eq!(
            reply.render(Format::Json),
            format!(
                r#"{{"Encrypt":"{encrypt}","MsgSignature":"{msg_signature}","TimeStamp":{timestamp},"Nonce":"{nonce}"}}"#
            ),
        );
        assert_eq!(
            reply.render(Format::Xml),
            format!(
                "<xml><Encrypt><![CDATA[{encrypt}]]></Encrypt><MsgSignature><![CDATA[{msg_signature}]]></MsgSignature>\
                 <TimeStamp>{timestamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
            ),
        );
    }
}

fn decrypts(vector: &Vector) {
    let id = &vector.id;
    assert!(vector.msg_signature_matches(), "{id}");
    let credentials = PushCredentials::new(vector.token(), vector.key());
    let (plaintext, which) = credentials.decrypt(&vector.appid, vector.encrypt()).unwrap();
    assert_eq!(which, WhichKey::Current, "{id}");
    assert_eq!(std::str::from_utf8(plaintext.message()).unwrap(), vector.plaintext(), "{id}");
    assert_eq!(plaintext.app_id(), vector.trailing_appid.as_deref().unwrap().as_bytes(), "{id}");
    let full = 16 + 4 + plaintext.message().len() + plaintext.app_id().len();
    assert_eq!(32 - full % 32, vector.pad.unwrap(), "{id}");

    let again = crypto::encrypt_with(&vector.key(), &vector.appid, vector.plaintext(), vector.random()).unwrap();
    assert_eq!(again, vector.encrypt(), "{id}");

    if let Some(plain_signature) = &vector.plain_signature {
        let (timestamp, nonce) = vector.stamp();
        assert!(push::verify_url(&vector.token(), plain_signature, timestamp, nonce), "{id}");
    }
}

fn verifies(vector: &Vector) {
    let (timestamp, nonce) = vector.stamp();
    let signature = vector.signature.as_deref().unwrap();
    assert!(push::verify_url(&vector.token(), signature, timestamp, nonce), "{}", vector.id);
    assert!(!push::verify_url(&vector.token(), signature, nonce, "1"), "{}", vector.id);
    assert!(!push::verify_url(&vector.token(), &signature.to_uppercase(), timestamp, nonce));
    assert!(!push::verify_url(&vector.token(), "", timestamp, nonce));
}

fn refuses(vector: &Vector) {
    match vector.expect.as_str() {
        "reject:signature" => assert!(!vector.msg_signature_matches()),
        "reject:appid" => {
            assert!(vector.msg_signature_matches());
            let ours = vector.expected_appid.as_deref().unwrap();
            let credentials = PushCredentials::new(vector.token(), vector.key());
            assert_eq!(credentials.decrypt(ours, vector.encrypt()).unwrap_err(), Error::WrongApp);
            let (plaintext, _) = credentials.decrypt(&vector.appid, vector.encrypt()).unwrap();
            assert_eq!(plaintext.message(), vector.plaintext().as_bytes());
        }
        expect => panic!("{}: {expect}", vector.id),
    }
}
