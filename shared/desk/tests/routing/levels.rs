//! What is made of `transfer_action`, of `platform_action`, and of a plan after too long a wait.

use desk::{
    merchant::{self, Merchant},
    routing::{Asked, Level, Mode, Oddity, Outcome, Plan, Spill, Target, TargetKind, after_wait, levels},
    staff::AfterHours,
};

use crate::world::{agent, group, loaded, passing, plan, run, to_group};

fn asked(kind: Option<TargetKind>, named: &str, option_id: Option<u32>, spill_id: Option<u32>) -> Asked {
    Asked { kind, named: named.to_owned(), option_id, spill_id }
}

fn known(kind: TargetKind, id: &str) -> Option<Target> {
    match kind {
        _ if id.starts_with("unknown") => None,
        TargetKind::Group => Some(Target::Group(format!("our-{id}"))),
        TargetKind::Agent => Some(Target::Agent(format!("our-{id}"))),
    }
}

const GROUP: Option<TargetKind> = Some(TargetKind::Group);
const AGENT: Option<TargetKind> = Some(TargetKind::Agent);

#[test]
fn the_example_of_the_documentation() {
    let (levels, warnings) =
        levels(&[asked(GROUP, "xxx", Some(3), Some(4)), asked(GROUP, "xxx", Some(4), None)], known);
    let target = Some(Target::Group("our-xxx".to_owned()));
    let first = Level { target: target.clone(), named: "xxx".to_owned(), overflows: true, spill: Spill::Offline };
    let second = Level { target, named: "xxx".to_owned(), overflows: false, spill: Spill::Any };
    assert_eq!((levels, warnings), (vec![first, second], Vec::new()));
}

#[test]
fn every_spill_id_has_its_meaning_in_either_family() {
    for (id, of_agent, of_group) in [
        (1, Spill::Offline, Spill::Offline),
        (2, Spill::Busy, Spill::Busy),
        (3, Spill::Any, Spill::Any),
        (4, Spill::Offline, Spill::Offline),
        (5, Spill::Busy, Spill::Busy),
        (6, Spill::Offline, Spill::OffWork),
        (7, Spill::Any, Spill::Any),
        (0, Spill::Any, Spill::Any),
        (8, Spill::Any, Spill::Any),
    ] {
        let spill = |kind, option| levels(&[asked(kind, "x", Some(option), Some(id))], known).0[0].spill;
        assert_eq!((spill(AGENT, 1), spill(GROUP, 3)), (of_agent, of_group), "{id}");
    }
}

#[test]
fn oddities_are_told_with_their_place_and_keep_nobody_out() {
    use Oddity::{
        KindUnknown, OptionCrossed, OptionMissing, OptionUnknown, SpillCrossed, SpillUnknown, TargetNotFound,
        TooManyLevels,
    };
    let (levels, warnings) = levels(
        &[
            asked(None, "x", Some(3), Some(4)),
            asked(AGENT, "unknown", Some(3), Some(5)),
            asked(GROUP, " ", Some(9), Some(8)),
            asked(GROUP, "y", None, None),
            asked(None, "z", None, None),
            asked(GROUP, "z", Some(1), Some(1)),
        ],
        known,
    );
    let found: Vec<_> = warnings.iter().map(|warning| (warning.level, warning.code)).collect();
    let expected = [
        (1, KindUnknown),
        (2, TargetNotFound),
        (2, SpillCrossed),
        (2, OptionCrossed),
        (3, TargetNotFound),
        (3, SpillUnknown),
        (3, OptionUnknown),
        (4, OptionMissing),
        (5, TooManyLevels),
    ];
    assert_eq!(found, expected);
    let kept: Vec<_> =
        levels.iter().map(|level| (level.named.as_str(), level.target.is_some(), level.overflows)).collect();
    assert_eq!(kept, [("unknown", false, true), (" ", false, true), ("y", true, false)]);
}

#[test]
fn without_an_option_a_level_overflows_if_it_has_a_spill_or_a_successor() {
    let overflows = |asked: &[Asked]| levels(asked, known).0[0].overflows;
    let bare = || asked(GROUP, "x", None, None);
    assert!(!overflows(&[bare()]));
    assert!(overflows(&[asked(GROUP, "x", None, Some(4))]));
    assert!(overflows(&[bare(), bare()]));
    assert!(!overflows(&[bare(), asked(None, "skipped", None, None)]));
    assert!(!overflows(&[asked(GROUP, "x", Some(4), Some(7)), bare()]));
}

#[test]
fn whoever_waited_too_long_goes_on_to_the_next_level_with_its_number() {
    let world = [
        ("a", group(true, &[loaded()], 0)),
        ("b", group(true, &[loaded()], 0)),
        ("c", group(true, &[agent("cat")], 0)),
    ]
    .map(|(id, facts)| (to_group(id), facts))
    .into();
    let spills_offline = Level { spill: Spill::Offline, ..passing("a") };
    let whole = plan(vec![spills_offline, passing("b"), passing("c")]);
    assert_eq!(run(&whole, &world, Mode::Full).0.outcome, Outcome::Queue { target: to_group("a"), level: 1 });
    let (routed, asked) = run(&after_wait(&whole, 1), &world, Mode::Full);
    assert_eq!(
        routed.outcome,
        Outcome::Assign { agents: vec!["cat".to_owned()], group: Some("c".to_owned()), level: 3 }
    );
    assert_eq!(routed.trail.iter().map(|at| at.level).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(asked, ["b", "c"].map(to_group));
    assert_eq!(after_wait(&after_wait(&whole, 1), 2), after_wait(&whole, 2));
    assert_eq!(after_wait(&whole, 0), whole);
}

#[test]
fn whoever_has_no_level_left_leaves_a_message() {
    let whole = Plan::new(vec![passing("a"), Level::from(to_group("b")), passing("c")], None, AfterHours::Robot);
    for level in [2, 3, 4, u8::MAX] {
        let rest = after_wait(&whole, level);
        let (routed, _) = run(&rest, &[].into(), Mode::Full);
        assert!(matches!(routed.outcome, Outcome::LeaveMessage { .. }), "{level}: {routed:?}");
        assert!(routed.trail.is_empty());
    }
    assert_eq!(run(&after_wait(&whole, 3), &[].into(), Mode::Full).0.outcome, Outcome::LeaveMessage { level: 3 });
}

#[test]
fn a_fourth_level_stays_the_fourth_after_a_wait() {
    let world = ["a", "b", "c", "d", "e"].map(|id| (to_group(id), group(true, &[loaded()], 0))).into();
    let rest = after_wait(&plan(["a", "b", "c", "d", "e"].map(passing).to_vec()), 2);
    assert_eq!(run(&rest, &world, Mode::Full).0.outcome, Outcome::Queue { target: to_group("d"), level: 4 });
}

#[test]
fn a_merchants_group_overflows_to_the_main_accounts() {
    let merchant = Merchant {
        name: "Tea".to_owned(),
        customer_code: "tea".to_owned(),
        group_id: "g1".to_owned(),
        aliases: vec!["T-1".to_owned()],
    };
    let codes =
        |warnings: Vec<desk::routing::Warning>| warnings.into_iter().map(|warning| warning.code).collect::<Vec<_>>();
    let own = Level { named: "T-1".to_owned(), ..Level::from(to_group("g1")) };
    let main = Level { named: "main".to_owned(), ..Level::from(to_group("our-main")) };
    let overflowing = Level { overflows: true, ..own.clone() };
    for (merchant, flow_group, levels, odd) in [
        (Some(&merchant), None, vec![own.clone()], vec![]),
        (Some(&merchant), Some("main"), vec![overflowing, main.clone()], vec![]),
        (Some(&merchant), Some("unknown"), vec![own], vec![Oddity::TargetNotFound]),
        (None, Some("main"), vec![main], vec![Oddity::MerchantNotFound]),
        (None, None, vec![], vec![Oddity::MerchantNotFound]),
    ] {
        let (found, warnings) = merchant::levels("T-1", merchant, flow_group, known);
        assert_eq!((found, codes(warnings)), (levels, odd));
    }
}

#[test]
fn a_plan_is_kept_as_json() {
    let plan = Plan::new(vec![passing("a")], Some("ann".to_owned()), AfterHours::Queue);
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(json["levels"][0]["target"], serde_json::json!({"group": "a"}));
    assert_eq!(serde_json::from_value::<Plan>(json).unwrap(), plan);
}
