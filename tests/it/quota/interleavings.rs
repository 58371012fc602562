//! The reply ledger under random interleavings of visitor, agent, WeChat faults and killed functions: it never exceeds
//! WeChat's count, held texts are on no phone, and sent texts are on it once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::open_conversation::text;
use crate::support::{Binding, Visitor, World};

const APP: &str = "wx0000000000005424";
const SEND: &str = "/cgi-bin/message/custom/send";
const HELLO: &str = "您好。";
const STEPS: usize = 60;

/// Reproducible random numbers (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

/// One random interleaving with one visitor.
struct Interleaving<'a> {
    world: &'a World,
    visitor: Visitor<'a>,
    dice: Dice,
    /// The steps so far, shown on failure.
    log: Vec<String>,
    /// The texts that the agent has sent.
    written: usize,
}

impl<'a> Interleaving<'a> {
    fn new(world: &'a World, binding: &'a Binding, seed: u64) -> Self {
        let visitor = world.visitor(binding, &format!("o-{seed}"));
        Self { world, visitor, dice: Dice(seed), log: Vec::new(), written: 0 }
    }

    async fn step(&mut self) {
        let act = self.dice.below(100);
        let said = match act {
            0..20 => {
                self.visitor.text("在吗").await;
                "the visitor writes".to_owned()
            }
            20..28 => {
                self.visitor.enter("").await;
                "the visitor enters".to_owned()
            }
            28..58 => self.send_text(None).await,
            58..70 => {
                let seconds = self.dice.one_of(&[1, 1, 2, 3, 5, 30, 58, 61, 120, 600, 3600, 47 * 3600, 48 * 3600]);
                self.world.advance(seconds);
                format!("{seconds} s go by")
            }
            70..74 => {
                let errcode = self.dice.one_of(&[45047, 45015, 45011]);
                self.world.sim_fault(&json!({ "path": SEND, "errcode": errcode })).await;
                format!("the next send is refused with {errcode}")
            }
            74..78 => {
                let moment = self.dice.one_of(&["before", "after"]);
                self.world.sim_fault(&json!({ "path": SEND, "break_off": moment })).await;
                format!("the answer to the next send is lost, {moment} it has arrived")
            }
            78..84 => {
                let awaits = u32::try_from(self.dice.below(20)).unwrap();
                self.send_text(Some(awaits)).await
            }
            84..90 => {
                let awaits = u32::try_from(self.dice.below(25)).unwrap();
                self.world.bundle.kill_next("Reception", awaits).unwrap();
                format!("Reception will be killed after {awaits} awaits")
            }
            90..94 => {
                // The function may be killed.
                let _ = self.world.bundle.tick("Reception").await;
                "a minute's tick".to_owned()
            }
            94..97 => self.cancel().await,
            _ => {
                self.world.advance(60);
                let _ = self.world.bundle.tick("Reception").await;
                "a minute goes by".to_owned()
            }
        };
        self.log.push(said);
        if self.dice.below(100) < 60 {
            self.world.settle().await;
            self.log.push("  the streams move".to_owned());
        }
    }

    /// The agent sends a text, maybe in several parts; the function may be killed.
    async fn send_text(&mut self, killed_after: Option<u32>) -> String {
        let Some(cid) = self.open_conversation().await else { return "no conversation to answer".to_owned() };
        self.written += 1;
        let mark = format!("〔{}〕", self.written);
        let content = if self.dice.below(100) < 15 { mark.repeat(self.dice.one_of(&[300, 500, 700])) } else { mark };
        if let Some(awaits) = killed_after {
            self.world.bundle.kill_next("DeskApi", awaits).unwrap();
        }
        let answer = self.world.post(&format!("/api/conversations/{cid}/messages"), &text(&content)).await;
        let state = answer.body["state"].as_str().or(answer.body["code"].as_str()).unwrap_or("no answer");
        if killed_after.is_none() {
            assert!(matches!(answer.status, 201 | 202 | 409 | 502 | 503), "{}\n{}", answer.raw, self.describe());
        }
        format!("{} is said in {} bytes, killed {killed_after:?}: {state}", self.written, content.len())
    }

    async fn cancel(&mut self) -> String {
        let messages = self.visitor.messages().await;
        let held: Vec<&Value> = messages.iter().filter(|message| message["state"] == "held").collect();
        if held.is_empty() {
            return "nothing to take back".to_owned();
        }
        let at = usize::try_from(self.dice.below(held.len() as u64)).unwrap();
        let (cid, id) = (held[at]["cid"].as_str().unwrap(), held[at]["id"].as_str().unwrap());
        self.world.delete(&format!("/api/conversations/{cid}/messages/{id}")).await.expect(200);
        format!("{id} is taken back")
    }

    async fn open_conversation(&self) -> Option<String> {
        let answer = self.profile().await?;
        answer["open_cid"].as_str().map(ToOwned::to_owned)
    }

    async fn profile(&self) -> Option<Value> {
        let answer = self.world.get(&format!("/api/bindings/{APP}/visitors/{}", self.visitor.openid)).await;
        (answer.status == 200).then_some(answer.body)
    }

    /// The invariants. Messages are checked only sometimes because there are many.
    async fn assert_invariants(&self, messages_too: bool) {
        let Some(profile) = self.profile().await else { return };
        let path = format!("/sim/visitors/{}/messages?app_id={APP}", self.visitor.openid);
        let sim = self.world.sim_get(&path).await.expect(200).body;
        let (kefu, wechat) = (profile["quota"]["replies_left"].as_u64().unwrap(), sim["quota_left"].as_u64().unwrap());
        assert!(kefu <= wechat, "Kefu counts {kefu}, WeChat {wechat}\n{}", self.describe());
        if !messages_too {
            return;
        }
        let phone: Vec<&str> =
            sim["items"].as_array().unwrap().iter().filter_map(|it| it["text"]["content"].as_str()).collect();
        let phone = phone.concat();
        let messages = self.visitor.messages().await;
        let out: BTreeMap<&str, &Value> = messages
            .iter()
            .filter(|message| message["direction"] == "out")
            .map(|message| (message["id"].as_str().unwrap(), message))
            .collect();
        let released_by: BTreeSet<&str> = out.values().filter_map(|message| message["released_as"].as_str()).collect();
        let mut greetings = (0, 0);
        for message in out.values() {
            let content = message["text"]["content"].as_str().unwrap();
            // A released text is part of the message that it was released with.
            let mut carrier = *message;
            while carrier["state"] == "released" {
                carrier = out[carrier["released_as"].as_str().unwrap()];
            }
            let state = carrier["state"].as_str().unwrap();
            if content == HELLO {
                greetings.0 += usize::from(state == "sent");
                greetings.1 += usize::from(!matches!(state, "failed" | "pending"));
                continue;
            }
            // Other messages account for the texts of the message that released them, or the rest of one.
            let own = if released_by.contains(message["id"].as_str().unwrap()) { Vec::new() } else { marks(content) };
            for mark in own {
                let (wanted, shown) = (content.matches(mark).count(), phone.matches(mark).count());
                let right = match state {
                    "sent" => shown == wanted,
                    // Part of a long text may have been sent.
                    "held" | "cancelled" | "pending" | "failed" if content.len() <= 2048 => shown == 0,
                    _ => shown <= wanted,
                };
                assert!(right, "{mark} is {state} and {shown} times on the phone\n{message}\n{}", self.describe());
            }
            if state == "sent" && content.len() <= 2048 {
                assert!(phone.contains(content), "{content} is not on the phone in one piece\n{}", self.describe());
            }
        }
        let shown = phone.matches(HELLO).count();
        assert!(
            (greetings.0..=greetings.1).contains(&shown),
            "{shown} greetings of {greetings:?}\n{}",
            self.describe()
        );
    }

    fn describe(&self) -> String {
        format!("{}:\n{}", self.visitor.openid, self.log.join("\n"))
    }
}

/// The marks of a text, one per line.
fn marks(content: &str) -> Vec<&str> {
    let mut marks: Vec<&str> =
        content.split_inclusive('〕').map(str::trim).filter(|mark| mark.ends_with('〕')).collect();
    marks.dedup();
    marks
}

/// Ten interleavings, each in its own bundle.
async fn run_interleavings(seeds: std::ops::Range<u64>) {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let (mut held, mut released, mut unknown) = (0, 0, 0);
    for seed in seeds {
        let mut run = Interleaving::new(&world, &binding, seed);
        for step in 0..STEPS {
            run.step().await;
            run.assert_invariants(step % 3 == 2).await;
        }
        // Let all pending work finish.
        world.sim_call(reqwest::Method::DELETE, "/sim/faults", &Value::Null).await;
        let _ = world.bundle.tick("Reception").await;
        for _ in 0..3 {
            run.visitor.writes("好").await;
            world.run_minutes(3).await;
            run.log.push("the visitor writes, and minutes go by".to_owned());
            run.assert_invariants(true).await;
        }
        let messages = run.visitor.messages().await;
        let count = |state: &str| messages.iter().filter(|message| message["state"] == state).count();
        assert_eq!(count("sending"), 0, "{}", run.describe());
        (held, released) = (held + count("held") + count("cancelled"), released + count("released"));
        unknown += count("unknown");
        // The next minute does the work of a killed tick.
        let lost = world.bundle.dead_letters().into_iter().filter(|letter| letter.queue == "StreamDeadLetters");
        assert_eq!(lost.collect::<Vec<_>>(), [], "{}", run.describe());
        world.advance(72 * 3600);
    }
    // The interleavings covered the interesting cases.
    assert!(held + released > 10 && released > 3 && unknown > 3, "{held} {released} {unknown}");
}

#[tokio::test]
async fn random_interleavings_1_to_10() {
    run_interleavings(1..11).await;
}

#[tokio::test]
async fn random_interleavings_11_to_20() {
    run_interleavings(11..21).await;
}

#[tokio::test]
async fn random_interleavings_21_to_30() {
    run_interleavings(21..31).await;
}

#[tokio::test]
async fn random_interleavings_31_to_40() {
    run_interleavings(31..41).await;
}
