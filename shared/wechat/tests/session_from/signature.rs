//! Whose partnerid it is: version 1, and what both versions have in common.

use wechat::session_from::{
    Fields, SessionFrom, SignatureClaim, SignatureVersion, Verification, build, parse,
    signature::{MAX_AGE, MAX_AHEAD, sign_v1 as sign},
};

use crate::support::{ENTRANT, NOW, SECRET};

/// Verifies for the visitor of these tests.
fn verify(read: &SessionFrom, secret: &[u8], now: i64) -> Verification {
    read.verify(secret, &ENTRANT, now)
}

/// Made with Python's hmac, hashlib and base64 by the formula of the module's page.
#[test]
fn published_hmac_vectors_match() {
    for (secret, partnerid, ts, sig) in [
        (SECRET, "u-10086", NOW, "y-AO7s3Y40kP4lgYx8p0PSMQn4xGReZHZbXrs968r7o"),
        (SECRET, "会员|50%", NOW, "dMVICgISNR9XogEFArdst3ibBVtKszYVZXmE9_vyRZQ"),
        (&[b'k'; 100], "u-10086", NOW, "7i38cyOIwzN1MCKsY2qssDozXwLOPxlBMy0rVPm6ES4"),
    ] {
        assert_eq!(sign(secret, partnerid, ts), sig);
        assert_eq!(sig.len(), 43);
    }
}

fn signed(partnerid: &str, ts: i64, sig: &str) -> String {
    format!("sobot||||partnerid={partnerid}|ts={ts}|sig={sig}")
}

#[test]
fn signature_verifies_with_fields_in_any_order() {
    let sig = sign(SECRET, "u-10086", NOW);
    for text in [
        signed("u-10086", NOW, &sig),
        format!("sobot|小明|||sig={sig}|robotid=1|ts={NOW}|partnerid=u-10086"),
        format!("nickName=小明|ts={NOW}|sig={sig}|foreignid=u-10086"),
    ] {
        let read = parse(&text);
        assert_eq!(verify(&read, SECRET, NOW), Verification::Verified, "{text}");
        assert_eq!(read.signature_version, Some(SignatureVersion::V1), "{text}");
        assert_eq!(read.warnings, [], "{text}");
    }
}

#[test]
fn signature_covers_decoded_partnerid() {
    let sig = sign(SECRET, "会员|50%", NOW);
    for written in ["%E4%BC%9A%E5%91%98%7C50%25", "会员%7C50%25"] {
        assert_eq!(verify(&parse(&signed(written, NOW, &sig)), SECRET, NOW), Verification::Verified, "{written}");
    }
}

#[test]
fn other_signatures_are_bad() {
    let sig = sign(SECRET, "u-10086", NOW);
    let verify = |text: &str, secret: &[u8]| verify(&parse(text), secret, NOW);
    assert_eq!(verify(&signed("u-10087", NOW, &sig), SECRET), Verification::Bad);
    assert_eq!(verify(&signed("u-10086", NOW + 1, &sig), SECRET), Verification::Bad);
    assert_eq!(verify(&signed("u-10086", NOW, &sig), b"another"), Verification::Bad);
    for length in 1..sig.len() {
        assert_eq!(verify(&signed("u-10086", NOW, &sig[..length]), SECRET), Verification::Bad, "{length}");
    }
    assert_eq!(verify(&signed("u-10086", NOW, &format!("{sig}A")), SECRET), Verification::Bad);
    assert_eq!(verify(&signed("u-10086", NOW, "?"), SECRET), Verification::Bad);
    // Nothing is named, and what is not signed cannot be verified either.
    assert_eq!(verify(&format!("sobot||||ts={NOW}|sig={}", sign(SECRET, "", NOW)), SECRET), Verification::Bad);
    // The last partnerid counts, so one that is set before it does not ride on its signature, nor the other way round.
    assert_eq!(verify(&format!("{}|partnerid=victim", signed("u-10086", NOW, &sig)), SECRET), Verification::Bad);
    // A line break would let one id end in another's time.
    assert_eq!(verify(&signed("u-10086%0A1", NOW, &sig), SECRET), Verification::Bad);
}

#[test]
fn empty_secret_verifies_nothing() {
    assert_eq!(verify(&parse(&signed("u", NOW, &sign(b"", "u", NOW))), b"", NOW), Verification::Bad);
}

#[test]
fn signature_is_stale_after_a_day() {
    let read = parse(&signed("u-10086", NOW, &sign(SECRET, "u-10086", NOW)));
    for (now, expected) in [
        (NOW + MAX_AGE, Verification::Verified),
        (NOW + MAX_AGE + 1, Verification::Stale),
        (NOW - MAX_AHEAD, Verification::Verified),
        (NOW - MAX_AHEAD - 1, Verification::Stale),
        (i64::MAX, Verification::Stale),
        (i64::MIN, Verification::Stale),
    ] {
        assert_eq!(verify(&read, SECRET, now), expected, "{now}");
    }
    for ts in [i64::MIN, i64::MAX] {
        let read = parse(&signed("u", ts, &sign(SECRET, "u", ts)));
        assert_eq!(verify(&read, SECRET, NOW), Verification::Stale);
        assert_eq!(verify(&read, SECRET, -ts.saturating_neg()), Verification::Verified);
    }
    // Without a valid signature, the caller does not learn that it has expired.
    assert_eq!(verify(&parse(&signed("u-10086", 1, "A")), SECRET, NOW), Verification::Bad);
}

#[test]
fn partnerid_without_signature_is_unsigned() {
    let sig = sign(SECRET, "u", NOW);
    for text in [
        "sobot||||partnerid=u".to_owned(),
        format!("sobot||||partnerid=u|sig={sig}"),
        format!("sobot||||partnerid=u|ts={NOW}"),
        format!("sobot||||partnerid=u|ts=soon|sig={sig}"),
        "order-42".to_owned(),
        String::new(),
    ] {
        let read = parse(&text);
        assert_eq!((verify(&read, SECRET, NOW), read.signature_version), (Verification::Unsigned, None), "{text}");
    }
}

#[test]
fn signature_takes_less_than_120_characters() {
    let named = Fields { partnerid: Some("u-10086".to_owned()), ..Fields::default() };
    for (entrant, version) in [(None, SignatureVersion::V1), (Some(&ENTRANT), SignatureVersion::V2)] {
        let claim = SignatureClaim::new(SECRET, entrant, "u-10086", NOW);
        let signed = build(&Fields { signature: Some(claim), ..named.clone() }).unwrap();
        let added = signed.bytes - build(&named).unwrap().bytes;
        assert!(added < 120, "{added}");
        let read = parse(&signed.text);
        assert_eq!((verify(&read, SECRET, NOW), read.signature_version), (Verification::Verified, Some(version)));
    }
}

#[test]
fn debug_and_json_omit_signature() {
    let sig = sign(SECRET, "u", NOW);
    let read = parse(&signed("u", NOW, &sig));
    assert!(!format!("{read:?} {:?}", read.fields()).contains(&sig));
    assert!(!serde_json::to_string(&read).unwrap().contains(&sig));
}
