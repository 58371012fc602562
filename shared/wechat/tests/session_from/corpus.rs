//! Broken strings, each with what is still to be had from it. `corpus.json` is the list; those marked "seen" were met in published
//! mini programs.

use serde::Deserialize;
use serde_json::Value;
use wechat::session_from::parse;

use crate::support::{found, warnings};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    why: String,
    text: String,
    found: Value,
    #[serde(default)]
    warnings: Vec<String>,
}

#[test]
fn malformed_texts_of_corpus_keep_their_fields() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("corpus.json")).unwrap();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let read = parse(&case.text);
        let (found, warnings) = (found(&read), warnings(&read));
        let mut expected = case.warnings.clone();
        expected.sort();
        if found != case.found || warnings != expected {
            wrong.push(format!(
                "{}\n  {}\n  found {found}\n  want  {}\n  {warnings:?}\n  {expected:?}",
                case.why, case.text, case.found
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}\n\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}
