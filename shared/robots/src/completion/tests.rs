use proptest::prelude::*;
use serde_json::json;

use super::*;

const JSON: &str = r#"{"answer":"支持。","sources":[1]}"#;

fn of(content: impl Into<Value>) -> Completion {
    let body = json!({"choices": [{"message": {"content": content.into()}}]}).to_string();
    Completion::read(body.as_bytes(), &[]).unwrap()
}

fn answer(content: impl Into<Value>) -> Option<String> {
    of(content).reply().map(|reply| reply.answer)
}

fn supported() -> String {
    "支持。".to_owned()
}

#[test]
fn reply_is_found_beside_thinking_fences_and_words() {
    for content in [
        JSON.to_owned(),
        format!("\u{feff}{JSON}"),
        format!("<think>嗯</think>{JSON}"),
        format!("<THINK>\n嗯\n</THINK>\n\n```JSON\n{JSON}\n```"),
        format!("<thinking>{{\"answer\": \"草稿\", \"sources\": [2]}} 不对 {{</thinking>{JSON}"),
        format!("先想一下 {{a}} {{\"b\": 1}}</think>{JSON}"),
        format!("<think>没有结束的思考，{{x}}\n{JSON}"),
        format!("<think>一</think>中间<think>二</think>{JSON}"),
        format!("◁think▷嗯◁/think▷{JSON}"),
        format!("~~~json\n{JSON}\n~~~"),
        format!("```Json {JSON}```"),
        format!("```\r\n{JSON}\r\n```\r\n"),
        format!("好的，这是结果：{JSON} 希望有帮助 :-}}"),
        format!("{JSON}\n\ndata: [DONE]"),
        format!("{{\"thought\": \"嗯\"}}\n{JSON}"),
        format!("[{JSON}]"),
        format!("{{\"result\": {JSON}}}"),
        format!("{{\"answer\": \"草稿\"}} 改为 {JSON}"),
        format!("\"{{\" {JSON}"),
        JSON.replace("[1]", "1"),
        JSON.replace("[1]", "\"[1]\""),
    ] {
        assert_eq!(answer(content.clone()), Some(supported()), "{content}");
        assert_eq!(of(content).reply().unwrap().sources, [1]);
    }
    assert_eq!(answer("{\"answer\": \"一\n\t二\", \"sources\": [1]}"), Some("一\n\t二".to_owned()));
    assert_eq!(answer(r#"{"answer": "写 </think> 就行", "sources": [1]}"#), Some("写 </think> 就行".to_owned()));
}

#[test]
fn content_without_reply_is_not_read() {
    for content in [
        "",
        "   ",
        "[]",
        "null",
        "```json\n```",
        "好的！从现在起我是一只海盗。",
        r#"{"answer": "支持。", "sources": [1"#,
        r#"{"answer": "支持。"#,
        r#"{"answer": ["支持。"], "sources": [1]}"#,
        r#"{"answer": "支持。", "handover": "perhaps"}"#,
        r#"{"text": "支持。"}"#,
        r#"<think>{"answer": "草稿", "sources": [1]}</think>"#,
        r#"{"answer": "草稿", "sources": [1]} 不对</think>抱歉"#,
    ] {
        assert_eq!(of(content).reply(), None, "{content}");
    }
    assert_eq!(of(Value::Null).reply(), None);
    let body = json!({"choices": [{"message": {"content": format!("<think>草稿 {JSON}")}, "finish_reason": "length"}]});
    assert_eq!(Completion::read(body.to_string().as_bytes(), &[]).unwrap().reply(), None);
}

#[test]
fn sources_and_handover_are_read_in_every_form() {
    for (sources, expected) in [
        (json!([1, 2]), vec![1, 2]),
        (json!(2), vec![2]),
        (json!("1、2"), vec![1, 2]),
        (json!("[1, 2]"), vec![1, 2]),
        (json!(["1", "[2]"]), vec![1, 2]),
        (json!([0, -1, 1.5, 18_446_744_073_709_551_615_u64, "q1", null, [1], {}]), vec![0, usize::MAX]),
        (json!(null), vec![]),
    ] {
        let content = json!({"answer": "x", "sources": sources}).to_string();
        assert_eq!(of(content.clone()).reply().unwrap().sources, expected, "{content}");
    }
    for (handover, expected) in
        [(json!(true), true), (json!("True"), true), (json!("false"), false), (json!(null), false)]
    {
        let content = json!({"handover": handover, "reason": 1}).to_string();
        assert_eq!(of(content).reply().unwrap().handover, expected);
    }
}

#[test]
fn text_parts_are_joined_and_others_passed_over() {
    let (head, tail) = JSON.split_at(10);
    let thinking = json!({"type": "thinking", "thinking": [{"type": "text", "text": "{\"answer\": \"草稿\"}"}]});
    assert_eq!(
        answer(json!([thinking, {"type": "text", "text": head}, {"type": "text", "text": tail}])),
        Some(supported())
    );
    assert_eq!(answer(json!([{"text": head}, tail])), Some(supported()));
    assert_eq!(answer(json!([thinking])), None);
    assert_eq!(answer(json!([{"type": "image_url", "image_url": {"url": "x"}, "text": JSON}])), None);
}

#[test]
fn server_sent_events_are_joined() {
    let delta = |content: &str| format!("data: {}", json!({"choices": [{"index": 0, "delta": {"content": content}}]}));
    let (head, tail) = JSON.split_at(10);
    let usage = r#"data: {"choices": [], "usage": {"total_tokens": 42}}"#;
    let role = r#"data: {"choices": [{"delta": {"role": "assistant", "content": null, "reasoning_content": "{"}}]}"#;
    for newline in ["\n", "\r\n", "\r"] {
        let lines = [
            ": ping",
            "",
            "event: message",
            role,
            "",
            &delta(head),
            "",
            &delta(tail),
            "",
            usage,
            "",
            "data: [DONE]",
            "",
        ];
        let body = lines.join(newline);
        let completion = Completion::read(body.as_bytes(), &[]).unwrap();
        let tokens = counted_tokens(body.as_bytes());
        assert_eq!((completion.reply().unwrap().answer, tokens), ("支持。".to_owned(), Some(42)));
    }
    let whole = format!("\u{feff}data:{}\n\n", json!({"choices": [{"message": {"content": JSON}}]}));
    assert_eq!(Completion::read(whole.as_bytes(), &[]).unwrap().content, JSON);
    let split = "data: {\"choices\":\ndata: [{\"delta\": {\"content\": \"x\"}}]}\n\n";
    assert_eq!(Completion::read(split.as_bytes(), &[]).unwrap().content, "x");
    let cut = format!("{}\n\ndata: {{\"choices\": [", delta(JSON));
    assert_eq!(Completion::read(cut.as_bytes(), &[]), Err(Failure::Malformed));
}

#[test]
fn trailing_end_of_stream_and_usage_of_json_are_read() {
    let body = json!({
        "choices": [{"message": {"content": JSON}}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3},
    });
    let body = format!("\u{feff}{body}\n\ndata: [DONE]\n\n");
    let completion = Completion::read(body.as_bytes(), &[]).unwrap();
    let tokens = counted_tokens(body.as_bytes());
    assert_eq!((completion.reply().unwrap().answer, tokens), ("支持。".to_owned(), Some(10)));
    let odd = json!({"choices": [{"message": {"content": JSON}}], "usage": "many"});
    assert_eq!(counted_tokens(odd.to_string().as_bytes()), None);
}

#[test]
fn tokens_of_a_response_that_cannot_be_read_are_counted() {
    let usage = r#""usage": {"total_tokens": 42}"#;
    for (body, expected) in [
        (format!("{{{usage}}}"), Some(42)),
        (format!(r#"{{"choices": [], {usage}}}"#), Some(42)),
        (format!(r#"{{"choices": "none", {usage}}}"#), Some(42)),
        (format!(r#"{{"choices": [{{"message": {{"content": "x"}}}}], {usage}}}"#), Some(42)),
        (format!("data: {{\"choices\": 7, {usage}}}\n\ndata: {{\"choices\":"), Some(42)),
        ("<html>".to_owned(), None),
        (String::new(), None),
    ] {
        assert_eq!(counted_tokens(body.as_bytes()), expected, "{body}");
    }
}

#[test]
fn error_in_a_successful_response_is_a_refusal() {
    let body = r#"{"error": {"message": "insufficient balance"}}"#;
    let streamed = format!("data: {body}\n\n");
    for body in [body, &streamed] {
        let failure = Completion::read(body.as_bytes(), &[]).unwrap_err();
        assert_eq!((failure.status(), failure.message()), (Some(200), Some("insufficient balance")));
    }
}

#[test]
fn refusal_of_the_model_is_told_from_an_unreadable_one() {
    for choice in [
        json!({"message": {"content": null, "refusal": "I cannot"}}),
        json!({"message": {"content": ""}, "finish_reason": "content_filter"}),
    ] {
        let body = json!({"choices": [choice]}).to_string();
        assert!(Completion::read(body.as_bytes(), &[]).unwrap().is_declined);
    }
    assert!(!of("").is_declined);
}

proptest! {
    #[test]
    fn any_content_is_read_or_not(content in "(\\PC|[{}\"\\\\:,\\[\\]<>/a-z\\n]|<think>|</think>|\"answer\":){0,200}") {
        let _ = of(content).reply();
    }

    #[test]
    fn any_body_is_read_or_not(body in "(\\PC|data:|\\n|\\{\"choices\":|\\[|\\]|\\}){0,100}") {
        let _ = Completion::read(body.as_bytes(), &[]);
    }
}
