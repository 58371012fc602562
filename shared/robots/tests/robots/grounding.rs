//! Precision and recall of the grounding check, on supported and unsupported answers of models.
//!
//! The thresholds were chosen on one part of the samples; the other part is held out. Both must reach the same figures. The figures are printed: `cargo test -p robots grounding -- --nocapture`.

use robots::{Answer, Passage, TurnRequest};
use wiremock::{Mock, MockServer, matchers::method};

use crate::{ask_model, client, model, reply, turn_request};

/// A model's answer that cites a passage.
struct Sample {
    title: &'static str,
    source: &'static str,
    answer: String,
    is_good: bool,
    is_held_out: bool,
}

fn samples() -> Vec<Sample> {
    let (mut title, mut source, mut is_held_out) = ("", "", false);
    let mut all = Vec::new();
    for line in include_str!("answers.tsv").lines() {
        match line.split('\t').collect::<Vec<_>>()[..] {
            ["passage", question, answer] => (title, source) = (question, answer),
            [label @ ("good" | "bad"), answer] => {
                let (answer, is_good) = (answer.replace("\\n", "\n"), label == "good");
                all.push(Sample { title, source, answer, is_good, is_held_out });
            }
            [comment] if comment.starts_with('#') => is_held_out |= comment.starts_with("# Held out"),
            _ => panic!("{line}"),
        }
    }
    all
}

/// Whether the answer is returned and not withheld.
async fn is_returned(server: &MockServer, said: &Sample) -> bool {
    server.reset().await;
    Mock::given(method("POST")).respond_with(reply(&said.answer, &[1])).mount(server).await;
    let passages = [Passage { id: "q1", title: said.title, answer: said.source }];
    let request = TurnRequest { passages: &passages, ..turn_request("？", &[]) };
    match ask_model(&client(), &model(&server.uri()), &request).await.unwrap() {
        Answer::Text(text) => {
            assert_eq!(text, said.answer);
            true
        }
        Answer::DontKnow => false,
        Answer::HandOver(_) => panic!("the visitor did not ask for a person"),
    }
}

#[tokio::test]
async fn grounding_check_reaches_precision_and_recall() {
    let said = samples();
    let server = MockServer::start().await;
    for (name, is_held_out) in [("chosen by", false), ("held out", true)] {
        let (mut good, mut bad, mut good_withheld, mut bad_withheld) = (0_u32, 0_u32, 0_u32, 0_u32);
        for said in said.iter().filter(|said| said.is_held_out == is_held_out) {
            let withheld = !is_returned(&server, said).await;
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
