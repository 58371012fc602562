//! How well it is told whether a model's answer is its source's: what models say, truthfully and not.
//!
//! Some have chosen the limits, the others are held out; both are held to the same floors. The figures are printed: `cargo test -p robots grounding -- --nocapture`.

use robots::{Answer, Asking, Passage};
use wiremock::{Mock, MockServer, matchers::method};

use crate::{asking, client, model, reply};

/// What a model says of a passage.
struct Said {
    title: &'static str,
    source: &'static str,
    answer: String,
    is_good: bool,
    is_held_out: bool,
}

fn all_said() -> Vec<Said> {
    let (mut title, mut source, mut is_held_out) = ("", "", false);
    let mut all = Vec::new();
    for line in include_str!("answers.tsv").lines() {
        match line.split('\t').collect::<Vec<_>>()[..] {
            ["passage", question, answer] => (title, source) = (question, answer),
            [label @ ("good" | "bad"), answer] => {
                let (answer, is_good) = (answer.replace("\\n", "\n"), label == "good");
                all.push(Said { title, source, answer, is_good, is_held_out });
            }
            [comment] if comment.starts_with('#') => is_held_out |= comment.starts_with("# Held out"),
            _ => panic!("{line}"),
        }
    }
    all
}

/// Whether a visitor gets to read it.
async fn goes_out(server: &MockServer, said: &Said) -> bool {
    server.reset().await;
    Mock::given(method("POST")).respond_with(reply(&said.answer, &[1])).mount(server).await;
    let passages = [Passage { id: "q1", title: said.title, answer: said.source }];
    let asking = Asking { passages: &passages, ..asking("？", &[]) };
    match client().chat(&model(&server.uri()), &asking).await.unwrap() {
        Answer::Text(text) => {
            assert_eq!(text, said.answer);
            true
        }
        Answer::DontKnow => false,
        Answer::HandOver(_) => panic!("nobody asked for a person"),
    }
}

#[tokio::test]
async fn what_is_not_the_sources_is_withheld_and_what_is_goes_out() {
    let said = all_said();
    let server = MockServer::start().await;
    for (name, is_held_out) in [("chosen by", false), ("held out", true)] {
        let (mut good, mut bad, mut good_withheld, mut bad_withheld) = (0_u32, 0_u32, 0_u32, 0_u32);
        for said in said.iter().filter(|said| said.is_held_out == is_held_out) {
            let withheld = !goes_out(&server, said).await;
            good += u32::from(said.is_good);
            bad += u32::from(!said.is_good);
            good_withheld += u32::from(withheld && said.is_good);
            bad_withheld += u32::from(withheld && !said.is_good);
            if withheld == said.is_good {
                println!("  {}: {} / {}", if said.is_good { "withheld" } else { "let out" }, said.answer, said.source);
            }
        }
        assert!(good >= 30 && bad >= 30, "{name}");
        let of = |part: u32, whole: u32| f64::from(part) / f64::from(whole);
        let (recall, precision) = (of(bad_withheld, bad), of(bad_withheld, bad_withheld + good_withheld));
        let lost = of(good_withheld, good);
        println!("{name}: {bad} bad: withheld {recall:.3}, precision {precision:.3}; {good} good: withheld {lost:.3}");
        assert!(recall >= 0.9, "{name}: what its sources do not say is withheld");
        assert!(precision >= 0.95, "{name}: what is withheld deserves it");
        assert!(lost <= 0.04, "{name}: hardly anything true is withheld");
    }
}
