//! Version 2 of the signature: for which visitor the merchant named a partnerid.

use wechat::session_from::{
    BuildError, BuildWarningKind, Entrant, Fields, SignatureClaim, SignatureVersion, Verification, build, parse,
    signature::{MAX_AGE, sign_v1, sign_v2},
};

use crate::support::{ENTRANT, NOW, SECRET, warnings};

fn signed(sig: &str) -> String {
    format!("sobot||||partnerid=u-10086|ts={NOW}|sig={sig}")
}

fn verify(text: &str, entrant: &Entrant<'_>) -> Verification {
    parse(text).verify(SECRET, entrant, NOW)
}

/// Made with Python's hmac, hashlib and base64 by the formula of the module's page.
#[test]
fn published_hmac_vectors_match() {
    let other = Entrant { app_id: "wxfedcba9876543210", openid: "oVisitor7" };
    let long = &[b'k'; 100];
    for (secret, entrant, partnerid, sig) in [
        (SECRET, ENTRANT, "u-10086", "2.MYKsdYOwmEhEyNTl1Z-5kfUgrN3uzpu9FkT_VwRsdfw"),
        (SECRET, ENTRANT, "会员|50%", "2.UtleL0u71nhHmckGOatMduYLuoKmK85yz0LeAQ1ONzw"),
        (SECRET, other, "u-10086", "2.TZ3romWpwAEN9BYgSirD9syW4L7LsIVgnPHW1AteSCI"),
        (long, Entrant { openid: "oVisitor7", ..ENTRANT }, "u-10086", "2.lF3uG8WI8S6eKcB_pwbvZ7rZ4YWqbWGsyJVEcfVDZxM"),
    ] {
        assert_eq!(sign_v2(secret, &entrant, partnerid, NOW), sig);
        let fields = Fields {
            partnerid: Some(partnerid.to_owned()),
            signature: Some(SignatureClaim { ts: NOW, sig: sig.to_owned() }),
            ..Fields::default()
        };
        let built = build(&fields).unwrap();
        assert_eq!((built.signature_version, built.warnings), (Some(SignatureVersion::V2), vec![]));
        let read = parse(&built.text);
        assert_eq!(read.verify(secret, &entrant, NOW), Verification::Verified, "{sig}");
        assert_eq!((read.signature_version, read.warnings), (Some(SignatureVersion::V2), vec![]));
    }
}

/// The examples that integrators read, wherever they stand.
#[test]
fn documented_vectors_verify() {
    let entrant = Entrant { app_id: "wx0123456789abcdef", openid: "oVisitor7" };
    let (secret, partnerid, ts) = ("kefu-test-secret", "member-7", 1_767_225_600);
    let sig = "2.Vxb0eG2rj9qNts5IzdHY96lxfgxyc0jQU6n8VvFEH2A";
    assert_eq!(sign_v2(secret.as_bytes(), &entrant, partnerid, ts), sig);
    let fields = format!("|partnerid={partnerid}|ts={ts}|sig={sig}");
    assert_eq!(parse(&format!("sobot|||{fields}")).verify(secret.as_bytes(), &entrant, ts), Verification::Verified);
    let arguments = format!("(\"{secret}\", \"{}\", \"{}\", \"{partnerid}\", {ts})", entrant.app_id, entrant.openid);
    let integrating = include_str!("../../../../docs/integrating.md");
    for (page, is_javascript) in [
        (include_str!("../../../../README.md"), true),
        (include_str!("../../../../README.zh-CN.md"), true),
        (integrating, true),
        (include_str!("../../../../functions/desk-api/openapi.json"), false),
    ] {
        assert!(page.contains(&fields), "{}", &page[..100]);
        assert!(page.contains(&format!("sign{arguments}); // {sig}\n")) || !is_javascript, "{}", &page[..100]);
    }
    assert!(integrating.contains(&format!("sign{arguments})  # {sig}\n")));
    let v1 = "gSLu8gH17bmc05fXy-p8LuKmVcTj433dTxa9sSzL-n8";
    assert_eq!(sign_v1(secret.as_bytes(), partnerid, ts), v1);
    assert!(integrating.contains(v1));
}

#[test]
fn signature_of_another_visitor_is_bad() {
    let text = signed(&sign_v2(SECRET, &ENTRANT, "u-10086", NOW));
    assert_eq!(verify(&text, &ENTRANT), Verification::Verified);
    for entrant in [
        Entrant { openid: "oAnother", ..ENTRANT },
        Entrant { openid: "", ..ENTRANT },
        Entrant { app_id: "wxfedcba9876543210", ..ENTRANT },
        // The parts of the signed text do not move into each other.
        Entrant { app_id: "wx0123456789abcdef\no6_bmjrPTlm6_2sgVt7hMZOPfL2M", openid: "u-10086" },
    ] {
        assert_eq!(verify(&text, &entrant), Verification::Bad, "{entrant:?}");
    }
    // Nor may an openid bring a line of its own.
    let divided = Entrant { openid: "oVisitor7\nu", ..ENTRANT };
    assert!(!divided.is_signable());
    assert_eq!(verify(&signed(&sign_v2(SECRET, &divided, "u-10086", NOW)), &divided), Verification::Bad);
}

#[test]
fn signature_of_one_version_is_none_of_the_other() {
    let (one, two) = (sign_v1(SECRET, "u-10086", NOW), sign_v2(SECRET, &ENTRANT, "u-10086", NOW));
    assert_eq!(verify(&signed(&one), &ENTRANT), Verification::Verified);
    assert_eq!(verify(&signed(&format!("2.{one}")), &ENTRANT), Verification::Bad);
    assert_eq!(verify(&signed(two.strip_prefix("2.").unwrap()), &ENTRANT), Verification::Bad);
    assert_eq!(verify(&signed(&format!("1.{one}")), &ENTRANT), Verification::Bad);
}

/// The table of the module's page.
#[test]
fn malformed_signature_is_bad_and_has_a_warning() {
    let right = sign_v2(SECRET, &ENTRANT, "u-10086", NOW);
    let mac = right.strip_prefix("2.").unwrap();
    let (v1, v2) = (Some(SignatureVersion::V1), Some(SignatureVersion::V2));
    for (sig, version) in [
        ("2.".to_owned(), v2),
        (format!("2.{}", &mac[..42]), v2),
        (format!("2.{mac}A"), v2),
        (format!("2.{mac}="), v2),
        (format!("2.{mac}=="), v2),
        (format!("2.+{}", &mac[1..]), v2),
        (format!("2.%2B{}", &mac[1..]), v2),
        (format!("2./{}", &mac[1..]), v2),
        (format!("2..{}", &mac[1..]), v2),
        (format!("2.2.{mac}"), v2),
        (format!("1.{mac}"), None),
        (format!("3.{mac}"), None),
        (format!("02.{mac}"), None),
        (format!("v2.{mac}"), None),
        (format!(".{mac}"), None),
    ] {
        let read = parse(&signed(&sig));
        let found = (read.signature_version, warnings(&read));
        assert_eq!(found, (version, vec!["malformed_signature sig".to_owned()]), "{sig}");
        assert_eq!(read.verify(SECRET, &ENTRANT, NOW), Verification::Bad, "{sig}");
        let refused = build(&read.fields());
        assert_eq!(refused.unwrap_err(), BuildError::BadSignature, "{sig}");
    }
    for sig in [mac, &mac[..42], "?"] {
        let read = parse(&signed(sig));
        assert_eq!((read.signature_version, warnings(&read)), (v1, vec![]), "{sig}");
        assert_eq!(read.verify(SECRET, &ENTRANT, NOW), Verification::Bad, "{sig}");
    }
}

#[test]
fn signature_expires_like_one_of_version_1() {
    let read = parse(&signed(&sign_v2(SECRET, &ENTRANT, "u-10086", NOW)));
    assert_eq!(read.verify(SECRET, &ENTRANT, NOW + MAX_AGE), Verification::Verified);
    assert_eq!(read.verify(SECRET, &ENTRANT, NOW + MAX_AGE + 1), Verification::Stale);
    let another = Entrant { openid: "oAnother", ..ENTRANT };
    assert_eq!(read.verify(SECRET, &another, NOW + MAX_AGE + 1), Verification::Bad);
    assert_eq!(read.verify(b"", &ENTRANT, NOW), Verification::Bad);
}

#[test]
fn built_signature_of_version_1_has_a_warning() {
    let named = Fields { partnerid: Some("u-10086".to_owned()), ..Fields::default() };
    let unsigned = build(&named).unwrap();
    assert_eq!((unsigned.signature_version, unsigned.warnings), (None, vec![]));
    let claim = SignatureClaim::new(SECRET, None, "u-10086", NOW);
    let built = build(&Fields { signature: Some(claim), ..named }).unwrap();
    assert_eq!(built.signature_version, Some(SignatureVersion::V1));
    let warned: Vec<_> = built.warnings.iter().map(|warning| warning.kind).collect();
    assert_eq!(warned, [BuildWarningKind::SignatureWithoutOpenid]);
    assert!(built.warnings[0].detail.contains("covers no openid"), "{}", built.warnings[0].detail);
}

#[test]
fn version_is_a_number_in_json() {
    for (version, number) in [(SignatureVersion::V1, 1), (SignatureVersion::V2, 2)] {
        assert_eq!(serde_json::to_value(version).unwrap(), number);
        assert_eq!(serde_json::from_value::<SignatureVersion>(number.into()).unwrap(), version);
    }
    assert!(serde_json::from_value::<SignatureVersion>(3.into()).is_err());
    let read = parse(&signed(&sign_v2(SECRET, &ENTRANT, "u-10086", NOW)));
    assert_eq!(serde_json::to_value(&read).unwrap()["signature_version"], 2);
}
