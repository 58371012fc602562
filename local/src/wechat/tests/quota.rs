use jiff::SignedDuration;

use super::start_of_time;
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
fn the_table_of_allowances() {
    let seconds = SignedDuration::from_secs;
    let hours = SignedDuration::from_hours;
    let cases: Vec<(&str, Vec<Step>)> = vec![
        ("nobody came", vec![Refused(Denied::WindowOver)]),
        ("5 after a message", vec![Message, Sent(5), Refused(Denied::CountOver)]),
        ("a message fills up and does not add", vec![Message, Sent(2), Message, Sent(5), Refused(Denied::CountOver)]),
        (
            "48 hours, not a second more",
            vec![Message, Pass(hours(48) - seconds(1)), Sent(1), Pass(seconds(1)), Refused(Denied::WindowOver)],
        ),
        (
            "used up stays used up until the window is over",
            vec![
                Message,
                Sent(5),
                Pass(hours(47)),
                Refused(Denied::CountOver),
                Pass(hours(1)),
                Refused(Denied::WindowOver),
            ],
        ),
        ("a message starts the 48 hours anew", vec![Message, Pass(hours(40)), Message, Pass(hours(40)), Sent(5)]),
        ("2 after entering", vec![Enter, Sent(2), Refused(Denied::CountOver)]),
        (
            "1 minute after entering",
            vec![Enter, Pass(seconds(59)), Sent(1), Pass(seconds(1)), Refused(Denied::WindowOver)],
        ),
        ("entering twice does not add", vec![Enter, Sent(1), Enter, Sent(2), Refused(Denied::CountOver)]),
        ("a message after entering", vec![Enter, Sent(2), Message, Sent(5), Refused(Denied::CountOver)]),
        ("entering does not lower what is left", vec![Message, Sent(1), Enter, Sent(4), Refused(Denied::CountOver)]),
        ("entering raises what is less", vec![Message, Sent(4), Enter, Sent(2), Refused(Denied::CountOver)]),
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
