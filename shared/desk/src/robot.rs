//! What a robot is. What it knows is kept beside it, as questions.

use serde::{Deserialize, Serialize};

use crate::{
    Fault,
    faq::Thresholds,
    staff::{check_aliases, check_name},
};

/// A robot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Robot {
    /// A name for people.
    pub name: String,
    /// How it finds its answers.
    #[serde(flatten)]
    pub kind: Kind,
    /// Said when it has no answer, or none in time.
    #[serde(default = "fallback")]
    pub fallback: String,
    /// Ids that it has elsewhere, such as `robotid` of another vendor: at most 20 of 1 to 100 characters.
    #[serde(default)]
    pub aliases: Vec<String>,
}

/// How a robot finds its answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// By its questions and answers alone.
    Faq {
        /// From when on a question is meant.
        #[serde(default)]
        thresholds: Thresholds,
    },
    /// By a language model behind an OpenAI-compatible `/chat/completions`, from its questions and answers only.
    Chat {
        /// Where the API is, without `/chat/completions`.
        base_url: String,
        /// The model's name there.
        model: String,
        /// The tone to answer in.
        #[serde(default)]
        instructions: String,
        /// How long an answer may take, in seconds.
        #[serde(default = "deadline")]
        deadline_seconds: u32,
    },
    /// By somebody else's system, asked by a signed request (Standard Webhooks).
    Webhook {
        /// Where it is.
        url: String,
        /// How long an answer may take, in seconds.
        #[serde(default = "deadline")]
        deadline_seconds: u32,
        /// Whether the answers are made by a model and must be labelled so (人工智能生成合成内容标识办法).
        #[serde(default)]
        ai_generated: bool,
    },
}

/// It offers no person: whether one is there is not known here.
fn fallback() -> String {
    "抱歉，这个问题我还没学会。您可以换个说法再问问我。".to_owned()
}

fn deadline() -> u32 {
    15
}

/// The function that asks a robot has a minute for everything.
const DEADLINE_MAX: u32 = 25;

impl Robot {
    /// What is wrong with these settings; nothing if they can be used.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        check_name(&mut faults, "name", &self.name);
        check_aliases(&mut faults, &self.aliases);
        let mut must = |right: bool, field: &str, detail: &str| {
            if !right {
                faults.push(Fault::new(field, detail));
            }
        };
        must(self.fallback.len() <= 2048, "fallback", "must have at most 2048 bytes");
        let web = |url: &str| url.len() <= 2048 && (url.starts_with("https://") || url.starts_with("http://"));
        match &self.kind {
            Kind::Faq { thresholds } => {
                for fault in thresholds.faults() {
                    must(false, &fault.field, &fault.detail);
                }
            }
            Kind::Chat { base_url, model, instructions, deadline_seconds } => {
                must(web(base_url), "base_url", "must be the address of the API");
                must((1..=100).contains(&model.len()), "model", "must have 1 to 100 bytes");
                must(instructions.len() <= 4000, "instructions", "must have at most 4000 bytes");
                must((1..=DEADLINE_MAX).contains(deadline_seconds), "deadline_seconds", "must be 1 to 25");
            }
            Kind::Webhook { url, deadline_seconds, .. } => {
                must(web(url), "url", "must be an address");
                must((1..=DEADLINE_MAX).contains(deadline_seconds), "deadline_seconds", "must be 1 to 25");
            }
        }
        faults
    }

    /// Whether its answers are made by a model.
    pub fn is_ai(&self) -> bool {
        matches!(self.kind, Kind::Chat { .. } | Kind::Webhook { ai_generated: true, .. })
    }
}
