use jiff::SignedDuration;
use serde_json::json;

use super::{APP, Bench, OPENID, start_of_time};
use crate::wechat::quota::{Denied, Quota};

enum Step {
    Message,
    Enter,
    Pass(SignedDuration),
    Sent(usize),
    Refused(Denied),
}
use Step::{Enter, Message, Pass, Refused, Sent};

#[test]
fn allowances_follow_messages_entries_and_time() {
    let seconds = SignedDuration::from_secs;
    let hours = SignedDuration::from_hours;
    let cases: Vec<(&str, Vec<Step>)> = vec![
        ("no contact", vec![Refused(Denied::WindowOver)]),
        ("5 after a message", vec![Message, Sent(5), Refused(Denied::CountOver)]),
        (
            "a message resets the allowance and does not add to it",
            vec![Message, Sent(2), Message, Sent(5), Refused(Denied::CountOver)],
        ),
        (
            "48 hours after a message",
            vec![Message, Pass(hours(48) - seconds(1)), Sent(1), Pass(seconds(1)), Refused(Denied::WindowOver)],
        ),
        (
            "no message left until the window ends",
            vec![
                Message,
                Sent(5),
                Pass(hours(47)),
                Refused(Denied::CountOver),
                Pass(hours(1)),
                Refused(Denied::WindowOver),
            ],
        ),
        ("a message restarts the 48 hours", vec![Message, Pass(hours(40)), Message, Pass(hours(40)), Sent(5)]),
        ("2 after entering", vec![Enter, Sent(2), Refused(Denied::CountOver)]),
        (
            "1 minute after entering",
            vec![Enter, Pass(seconds(59)), Sent(1), Pass(seconds(1)), Refused(Denied::WindowOver)],
        ),
        ("entering twice does not add", vec![Enter, Sent(1), Enter, Sent(2), Refused(Denied::CountOver)]),
        ("a message after entering", vec![Enter, Sent(2), Message, Sent(5), Refused(Denied::CountOver)]),
        (
            "entering does not lower the larger allowance",
            vec![Message, Sent(1), Enter, Sent(4), Refused(Denied::CountOver)],
        ),
        ("entering raises a smaller allowance", vec![Message, Sent(4), Enter, Sent(2), Refused(Denied::CountOver)]),
        (
            "entering does not shorten the 48 hours",
            vec![Message, Enter, Pass(hours(2)), Sent(5), Refused(Denied::CountOver)],
        ),
    ];
    for (name, steps) in cases {
        let mut quota = Quota::default();
        let mut now = start_of_time();
        for step in steps {
            match step {
                Message => quota.message(now),
                Enter => quota.enter(now),
                Pass(time) => now += time,
                Sent(times) => (0..times).for_each(|_| assert_eq!(quota.take(now), Ok(()), "{name}")),
                Refused(denied) => assert_eq!(quota.take(now), Err(denied), "{name}"),
            }
        }
    }
}

#[tokio::test]
async fn quota_route_returns_remaining_messages_and_window_end() {
    let bench = Bench::ready().await;
    let token = bench.token().await;
    let quota = async || bench.get(&format!("/sim/visitors/{OPENID}/quota?app_id={APP}")).await;
    let left = |left: u8, until: Option<SignedDuration>| json!({ "left": left, "window_ends_at": until.map(|after| (start_of_time() + after).to_string()) });
    let minutes = SignedDuration::from_mins;
    let two_days = SignedDuration::from_hours(48);
    assert_eq!(quota().await, left(0, None), "no contact");

    bench.perform("enter", json!({})).await;
    assert_eq!(quota().await, left(2, Some(minutes(1))));
    bench.perform("text", json!({ "content": "1" })).await;
    assert_eq!(quota().await, left(5, Some(two_days)));
    for rest in (0..5).rev() {
        assert_eq!(bench.send_text_to_visitor(&token).await, 0);
        assert_eq!(quota().await, left(rest, Some(two_days)));
    }
    assert_eq!(bench.send_text_to_visitor(&token).await, 45047);

    bench.advance(minutes(10));
    bench.perform("enter", json!({})).await;
    assert_eq!(quota().await, left(2, Some(minutes(11))), "what grants more counts");
    bench.advance(minutes(1));
    assert_eq!(quota().await, left(0, Some(two_days)));
    bench.advance(two_days);
    assert_eq!(quota().await, left(0, None));
    assert_eq!(bench.send_text_to_visitor(&bench.token().await).await, 45015);

    assert_eq!(bench.get(&format!("/sim/visitors/{OPENID}/quota?app_id=wx0")).await["code"], "unknown_mini_program");
}
