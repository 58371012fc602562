//! Validation of reception settings and robots.

#![expect(clippy::unwrap_used, reason = "also the helpers of a test are tests")]

use desk::{
    Fault,
    robot::Robot,
    settings::{IDLE_MAX, Mode, Reception},
};
use serde_json::{Value, json};

fn fields(faults: Vec<Fault>) -> Vec<String> {
    faults.into_iter().map(|fault| fault.field).collect()
}

/// Validates each JSON object and compares the invalid field.
fn check(cases: &[(Value, Option<&str>)], faults: impl Fn(Value) -> Vec<Fault>) {
    for (json, field) in cases {
        assert_eq!(fields(faults(json.clone())), Vec::from_iter(field.map(str::to_owned)), "{json}");
    }
}

fn reception(json: Value) -> Reception {
    serde_json::from_value(json).unwrap()
}

#[test]
fn default_reception_is_valid() {
    let default = Reception::default();
    assert_eq!(default.faults(), []);
    assert_eq!(reception(json!({})), default);
    assert_eq!((default.mode, default.idle.close_after_minutes), (Mode::AgentsOnly, IDLE_MAX));
    assert_eq!(reception(serde_json::to_value(&default).unwrap()), default);
}

#[test]
fn unknown_field_of_reception_is_refused() {
    for json in [json!({"modes": "robot_only"}), json!({"prompts": {"hello": ""}}), json!({"idle": {"after": 1}})] {
        assert!(serde_json::from_value::<Reception>(json.clone()).is_err(), "{json}");
    }
}

#[test]
fn texts_of_reception_are_limited_to_2048_bytes() {
    let prompts = serde_json::to_value(Reception::default().prompts).unwrap();
    let names: Vec<String> = prompts.as_object().unwrap().keys().map(|name| format!("prompts.{name}")).collect();
    assert_eq!(names.len(), 9);
    for name in names.into_iter().chain(["greeting".to_owned()]) {
        let with = |text: String| match name.split_once('.') {
            Some((_, prompt)) => reception(json!({"prompts": {prompt: text}})),
            None => reception(json!({"greeting": text})),
        };
        assert_eq!(fields(with("字".repeat(682)).faults()), [""; 0], "{name}");
        assert_eq!(fields(with("字".repeat(683)).faults()), [name.as_str()]);
    }
}

#[test]
fn numbers_of_reception_are_validated() {
    let words = |count: usize| (0..count).map(|number| format!("word {number}")).collect::<Vec<_>>();
    check(
        &[
            (json!({"session_from_minutes": 0}), Some("session_from_minutes")),
            (json!({"session_from_minutes": 1}), None),
            (json!({"session_from_minutes": 1440}), None),
            (json!({"session_from_minutes": 1441}), Some("session_from_minutes")),
            (json!({"handover": {"keywords": words(50)}}), None),
            (json!({"handover": {"keywords": words(51)}}), Some("handover.keywords")),
            (json!({"handover": {"keywords": ["字".repeat(30)]}}), None),
            (json!({"handover": {"keywords": ["字".repeat(31)]}}), Some("handover.keywords")),
            (json!({"handover": {"keywords": [" "]}}), Some("handover.keywords")),
            (json!({"handover": {"after_misses": 20}}), None),
            (json!({"handover": {"after_misses": 21}}), Some("handover.after_misses")),
            (json!({"handover": {"after_repeats": 0}}), None),
            (json!({"handover": {"after_repeats": 1}}), Some("handover.after_repeats")),
            (json!({"handover": {"after_repeats": 2}}), None),
            (json!({"handover": {"after_repeats": 21}}), Some("handover.after_repeats")),
            (json!({"reply_reserve": 4}), None),
            (json!({"reply_reserve": 5}), Some("reply_reserve")),
            (json!({"idle": {"close_after_minutes": 0}}), Some("idle.close_after_minutes")),
            (json!({"idle": {"close_after_minutes": 2880}}), None),
            (json!({"idle": {"close_after_minutes": 2881}}), Some("idle.close_after_minutes")),
            (json!({"idle": {"close_after_minutes": 10, "warn_after_minutes": 0}}), Some("idle.warn_after_minutes")),
            (json!({"idle": {"close_after_minutes": 10, "warn_after_minutes": 9}}), None),
            (json!({"idle": {"close_after_minutes": 10, "warn_after_minutes": 10}}), Some("idle.warn_after_minutes")),
            (json!({"priority": 100}), None),
            (json!({"priority": 101}), Some("priority")),
        ],
        |json| reception(json).faults(),
    );
}

#[test]
fn reserve_applies_only_where_agents_answer() {
    for (mode, reserve) in [("robot_only", 0), ("agents_only", 3), ("robot_first", 3), ("agents_first", 3)] {
        assert_eq!(reception(json!({"mode": mode, "reply_reserve": 3})).robot_reserve(), reserve, "{mode}");
    }
}

fn robot(json: Value) -> Robot {
    serde_json::from_value(json).unwrap()
}

#[test]
fn robot_limits_are_validated() {
    let faq = |changes: Value| merge(json!({"name": "小助", "kind": "faq"}), changes);
    let chat = |changes: Value| {
        merge(json!({"name": "小助", "kind": "chat", "base_url": "https://a.example/v1", "model": "m"}), changes)
    };
    let webhook =
        |changes: Value| merge(json!({"name": "小助", "kind": "webhook", "url": "http://a.example/"}), changes);
    check(
        &[
            (faq(json!({})), None),
            (faq(json!({"name": ""})), Some("name")),
            (faq(json!({"aliases": ["x", "x"]})), Some("aliases")),
            (faq(json!({"fallback": ""})), None),
            (faq(json!({"fallback": "x".repeat(2048)})), None),
            (faq(json!({"fallback": "x".repeat(2049)})), Some("fallback")),
            (faq(json!({"thresholds": {"direct": 0.1}})), Some("thresholds")),
            (faq(json!({"thresholds": {"lead": 1.5}})), Some("thresholds.lead")),
            (chat(json!({})), None),
            (chat(json!({"base_url": "ftp://a.example"})), Some("base_url")),
            (chat(json!({"base_url": format!("https://{}", "a".repeat(2041))})), Some("base_url")),
            (chat(json!({"model": ""})), Some("model")),
            (chat(json!({"model": "m".repeat(101)})), Some("model")),
            (chat(json!({"instructions": "x".repeat(4000)})), None),
            (chat(json!({"instructions": "x".repeat(4001)})), Some("instructions")),
            (chat(json!({"deadline_seconds": 0})), Some("deadline_seconds")),
            (chat(json!({"deadline_seconds": 25})), None),
            (chat(json!({"deadline_seconds": 26})), Some("deadline_seconds")),
            (webhook(json!({})), None),
            (webhook(json!({"url": "a.example"})), Some("url")),
            (webhook(json!({"deadline_seconds": 26})), Some("deadline_seconds")),
        ],
        |json| robot(json).faults(),
    );
}

#[test]
fn generated_answers_are_labelled() {
    for (json, generated) in [
        (json!({"name": "a", "kind": "faq"}), false),
        (json!({"name": "a", "kind": "chat", "base_url": "https://a.example", "model": "m"}), true),
        (json!({"name": "a", "kind": "webhook", "url": "https://a.example"}), false),
        (json!({"name": "a", "kind": "webhook", "url": "https://a.example", "ai_generated": true}), true),
    ] {
        assert_eq!(robot(json.clone()).is_ai(), generated, "{json}");
    }
}

fn merge(mut into: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!("not an object") };
    into.as_object_mut().unwrap().extend(changes);
    into
}
