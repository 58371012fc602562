//! Who is told of a change.

use desk::{
    hint::{Hint, hears_of_conversation, hears_of_duty, hears_of_queue},
    policy::{Action, AppIds, Holder, Scope, Subject, Verdict, may},
};
use proptest::prelude::*;

use crate::{ME, admin, agent, closed, conversation, integrator, properties, supervisor, with};

#[test]
fn conversation_is_told_to_those_who_work_on_it_or_look_after_it() {
    let callers = [admin(), supervisor(), agent(), integrator(&Scope::ALL, AppIds::All)];
    for (facts, expected) in [
        (conversation(with(ME), &["g-other"]), [true, true, true, false]),
        (conversation(with("a-other"), &["g-open"]), [true, false, false, false]),
        (conversation(with("a-other"), &["g-led"]), [true, true, false, false]),
        (conversation(with("a-other"), &["g-other"]), [true, false, false, false]),
        (conversation(with("a-other"), &[]), [true, false, false, false]),
        (conversation(Holder::Unassigned, &["g-closed"]), [true, true, true, false]),
        (conversation(Holder::Unassigned, &["g-led"]), [true, true, false, false]),
        (conversation(Holder::Unassigned, &["g-other"]), [true, false, false, false]),
        (conversation(Holder::Unassigned, &[]), [true, true, true, false]),
        (conversation(closed(Some(ME), None), &["g-other"]), [true, true, true, false]),
        (conversation(closed(Some("a-other"), None), &["g-open"]), [true, false, false, false]),
        (conversation(closed(None, None), &["g-led"]), [true, true, false, false]),
    ] {
        let told = callers.each_ref().map(|caller| hears_of_conversation(caller, &facts));
        assert_eq!(told, expected, "{facts:?}");
    }
}

proptest! {
    /// Only callers who may read a conversation get hints about it.
    #[test]
    fn only_readers_are_told_of_a_conversation(caller in properties::caller(), facts in properties::conversation()) {
        if hears_of_conversation(&caller, &facts) {
            let verdict = may(&caller, Action::ReadConversation, &Subject::Conversation(&facts));
            prop_assert_eq!(verdict, Verdict::Allow);
        }
    }
}

#[test]
fn queue_is_told_to_those_who_serve_or_supervise_the_group() {
    let callers = [admin(), supervisor(), agent(), integrator(&Scope::ALL, AppIds::All)];
    for (group, expected) in [
        ("g-open", [true, true, true, false]),
        ("g-led", [true, true, false, false]),
        ("g-other", [true, false, false, false]),
    ] {
        assert_eq!(callers.each_ref().map(|caller| hears_of_queue(caller, group)), expected, "{group}");
    }
}

#[test]
fn duty_is_told_to_the_agent_and_to_those_who_look_after_others() {
    let callers = [admin(), supervisor(), agent(), integrator(&Scope::ALL, AppIds::All)];
    for (of, expected) in [(ME, [true, true, true, false]), ("a-other", [true, true, false, false])] {
        assert_eq!(callers.each_ref().map(|caller| hears_of_duty(caller, of)), expected, "{of}");
    }
}

#[test]
fn hint_has_a_version_and_a_type() {
    let text = |text: &str| text.to_owned();
    for (hint, json) in [
        (
            Hint::Message { cid: text("c"), message_id: text("m") },
            r#"{"v":1,"type":"message","cid":"c","message_id":"m"}"#,
        ),
        (Hint::Conversation { cid: text("c") }, r#"{"v":1,"type":"conversation","cid":"c"}"#),
        (Hint::Queue { group_id: text("g") }, r#"{"v":1,"type":"queue","group_id":"g"}"#),
        (Hint::Duty { agent_id: text("a") }, r#"{"v":1,"type":"duty","agent_id":"a"}"#),
        (Hint::SessionEnded, r#"{"v":1,"type":"session_ended"}"#),
    ] {
        assert_eq!(hint.to_json(), json);
    }
}
