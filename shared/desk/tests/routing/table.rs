//! The overflow truth table.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
    slice::from_ref,
};

use desk::{
    routing::{AGENT_QUEUE_MAX, Facts, Mode, Target, TargetKind, TransferLevel, Warning, levels_from_transfer_action},
    staff::{AgentFacts, AgentStatus},
};

use crate::world::{agent, group, loaded, plan, run, shown, shown_trail, to_group, unheard_of, with_status, word};

const TABLE: &str = include_str!("../overflow.tsv");

/// The levels after the first one.
const PLACES: [(&str, &[&str]); 5] = [
    ("last", &[]),
    ("followed", &["free"]),
    ("unknown", &["unknown"]),
    ("deleted", &["deleted"]),
    ("between", &["unknown", "free"]),
];

fn given(cell: &str) -> Option<String> {
    (cell != "-").then(|| cell.to_owned())
}

fn kind(cell: &str) -> TargetKind {
    if cell == "group" { TargetKind::Group } else { TargetKind::Agent }
}

fn places(cell: &str) -> &'static [&'static str] {
    PLACES.iter().find(|(place, _)| *place == cell).unwrap().1
}

/// Variants of the facts of a target in this state; `None` if no target has the id.
fn facts(kind: TargetKind, state: &str) -> Vec<Option<Facts>> {
    let of_group = |open, members: &[AgentFacts], waiting| Some(group(open, members, waiting));
    let of_agent = |agent, waiting| Some(Facts::Agent { agent, waiting });
    let (ann, busy, away) = (agent("ann"), with_status(AgentStatus::Busy), with_status(AgentStatus::Away));
    let gone = with_status(AgentStatus::Offline);
    match (kind, state) {
        (_, "not_found") => vec![None],
        (TargetKind::Group, "takeable") => {
            vec![of_group(true, from_ref(&ann), 0), of_group(true, &[loaded(), ann, gone], 0)]
        }
        (TargetKind::Group, "off_work") => vec![
            of_group(false, &[], 0),
            of_group(false, &[ann], 0),
            of_group(false, &[gone], 10),
            of_group(false, &[loaded()], 10),
        ],
        (TargetKind::Group, "offline") => vec![
            of_group(true, &[], 0),
            of_group(true, from_ref(&gone), 0),
            of_group(true, &[unheard_of()], 3),
            of_group(true, &[gone, unheard_of()], 10),
        ],
        (TargetKind::Group, "busy") => vec![
            of_group(true, &[loaded()], 0),
            of_group(true, &[busy, gone], 0),
            of_group(true, &[away], 9),
            of_group(true, &[ann, loaded()], 1),
        ],
        (TargetKind::Group, "queue_full") => {
            vec![of_group(true, &[loaded()], 10), of_group(true, &[ann], 10), of_group(true, &[away], 11)]
        }
        (TargetKind::Agent, "takeable") => vec![of_agent(ann, 0)],
        (TargetKind::Agent, "off_work") => vec![of_agent(gone.clone(), 0), of_agent(gone, AGENT_QUEUE_MAX)],
        (TargetKind::Agent, "offline") => vec![of_agent(unheard_of(), 0), of_agent(gone, 1)],
        (TargetKind::Agent, "busy") => {
            vec![of_agent(loaded(), 0), of_agent(busy, 0), of_agent(away, AGENT_QUEUE_MAX - 1), of_agent(ann, 1)]
        }
        (TargetKind::Agent, "queue_full") => vec![of_agent(loaded(), AGENT_QUEUE_MAX), of_agent(ann, AGENT_QUEUE_MAX)],
        other => panic!("unknown kind and state {other:?}"),
    }
}

fn shown_warnings(warnings: &[Warning]) -> String {
    let mut codes: Vec<String> = warnings.iter().map(|warning| word(warning.code)).collect();
    codes.sort();
    if codes.is_empty() { "-".to_owned() } else { codes.join(",") }
}

#[test]
fn every_row_of_overflow_table_holds() {
    for row in TABLE.lines().filter(|line| !line.starts_with('#')).skip(1) {
        let [of, option, spill, state, place, outcome, trail, odd] =
            row.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let kind = kind(of);
        let first = TransferLevel {
            kind: Some(kind),
            given_id: "first".to_owned(),
            option_id: given(option),
            spill_id: given(spill),
        };
        let behind = |id: &str| TransferLevel {
            kind: Some(TargetKind::Group),
            given_id: id.to_owned(),
            option_id: Some("4".to_owned()),
            spill_id: None,
        };
        let asked: Vec<TransferLevel> = iter::once(first).chain(places(place).iter().map(|id| behind(id))).collect();
        for facts in facts(kind, state) {
            let (levels, warnings) = levels_from_transfer_action(&asked, |kind, id| match kind {
                _ if id == "unknown" || (id == "first" && facts.is_none()) => None,
                TargetKind::Group => Some(Target::Group(id.to_owned())),
                TargetKind::Agent => Some(Target::Agent(id.to_owned())),
            });
            let mut world = BTreeMap::from([(to_group("free"), group(true, &[agent("bob")], 0))]);
            if let (Some(facts), Some(target)) = (&facts, &levels[0].target) {
                world.insert(target.clone(), facts.clone());
            }
            let (routed, _) = run(&plan(levels), &world, Mode::Full);
            let found = (shown(&routed.outcome), shown_trail(&routed.trail), shown_warnings(&warnings));
            assert_eq!(found, (outcome.to_owned(), trail.to_owned(), odd.to_owned()), "{row}: {facts:?}");
        }
    }
}

#[test]
fn overflow_table_has_every_combination_once() {
    let inputs = |row: &str| row.split('\t').take(5).collect::<Vec<_>>().join(" ");
    let rows: Vec<String> = TABLE.lines().filter(|line| !line.starts_with('#')).skip(1).map(inputs).collect();
    let mut expected = BTreeSet::new();
    for kind in ["group", "agent"] {
        for option in ["1", "2", "3", "4", "-"] {
            for spill in ["1", "2", "3", "4", "5", "6", "7", "-"] {
                for state in ["takeable", "off_work", "offline", "busy", "queue_full", "not_found"] {
                    expected.extend(PLACES.map(|(place, _)| [kind, option, spill, state, place].join(" ")));
                }
            }
        }
    }
    assert_eq!(rows.len(), 2400);
    assert_eq!(rows.into_iter().collect::<BTreeSet<_>>(), expected);
}
