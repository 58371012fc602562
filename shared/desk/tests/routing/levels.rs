//! Levels of `transfer_action` and `platform_action`, and the plan after a wait.

use desk::{
    merchant::{self, Merchant},
    routing::{
        Level, Mode, Outcome, OverflowCondition, Plan, Target, TargetKind, TransferLevel, WarningCode, all_unresolved,
        append_levels, levels_from_transfer_action, plan_after_wait,
    },
    staff::AfterHours,
};

use crate::world::{agent, group, loaded, passing, plan, run, to_group};

fn asked(kind: Option<TargetKind>, named: &str, option_id: Option<u32>, spill_id: Option<u32>) -> TransferLevel {
    let given = |id: Option<u32>| id.map(|id| id.to_string());
    TransferLevel { kind, given_id: named.to_owned(), option_id: given(option_id), spill_id: given(spill_id) }
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
fn example_of_documentation_is_converted() {
    let (levels, warnings) = levels_from_transfer_action(
        &[asked(GROUP, "xxx", Some(3), Some(4)), asked(GROUP, "xxx", Some(4), None)],
        known,
    );
    let target = Some(Target::Group("our-xxx".to_owned()));
    let first = Level {
        target: target.clone(),
        given_id: "xxx".to_owned(),
        overflows: true,
        condition: OverflowCondition::Offline,
        not_allowed: false,
    };
    let second = Level { overflows: false, condition: OverflowCondition::Any, ..first.clone() };
    assert_eq!((levels, warnings), (vec![first, second], Vec::new()));
}

#[test]
fn spill_id_is_converted_for_both_kinds() {
    for (id, of_agent, of_group) in [
        (1, OverflowCondition::Offline, OverflowCondition::Offline),
        (2, OverflowCondition::Busy, OverflowCondition::Busy),
        (3, OverflowCondition::Any, OverflowCondition::Any),
        (4, OverflowCondition::Offline, OverflowCondition::Offline),
        (5, OverflowCondition::Busy, OverflowCondition::Busy),
        (6, OverflowCondition::Offline, OverflowCondition::OffWork),
        (7, OverflowCondition::Any, OverflowCondition::Any),
        (0, OverflowCondition::Any, OverflowCondition::Any),
        (8, OverflowCondition::Any, OverflowCondition::Any),
    ] {
        let spill = |kind, option| {
            levels_from_transfer_action(&[asked(kind, "x", Some(option), Some(id))], known).0[0].condition
        };
        assert_eq!((spill(AGENT, 1), spill(GROUP, 3)), (of_agent, of_group), "{id}");
    }
}

#[test]
fn invalid_levels_give_numbered_warnings() {
    use WarningCode::{
        KindUnknown, OptionCrossed, OptionMissing, OptionUnknown, SpillCrossed, SpillUnknown, TargetNotFound,
        TooManyLevels,
    };
    let (levels, warnings) = levels_from_transfer_action(
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
        levels.iter().map(|level| (level.given_id.as_str(), level.target.is_some(), level.overflows)).collect();
    assert_eq!(kept, [("unknown", false, true), (" ", false, true), ("y", true, false)]);
}

#[test]
fn option_and_spill_ids_accept_json_numbers_and_warn_otherwise() {
    let read = |option: &str, spill: &str| {
        let (option_id, spill_id) = (Some(option.to_owned()), Some(spill.to_owned()));
        let (levels, warnings) = levels_from_transfer_action(
            &[TransferLevel { kind: GROUP, given_id: "x".to_owned(), option_id, spill_id }],
            known,
        );
        let told: Vec<_> = warnings.into_iter().map(|warning| (warning.code, warning.detail)).collect();
        (levels[0].overflows, levels[0].condition, told)
    };
    for three in ["3", " 3 ", "3.0", "3.000", "\t3\n", "03"] {
        assert_eq!(read(three, " 5.0"), (true, OverflowCondition::Busy, vec![]), "{three:?}");
    }
    assert_eq!(read("4.0", "5"), (false, OverflowCondition::Busy, vec![]));
    for none in ["x", "-1", "3.5", "3e0", "三", "0", "8", "99999999999", "3 4", ".0"] {
        let (overflows, spill, told) = read(none, none);
        // An unknown spillId does not make the level overflow, and its condition is `Any`.
        assert_eq!((overflows, spill), (false, OverflowCondition::Any), "{none:?}");
        assert_eq!(
            told.iter().map(|it| it.0).collect::<Vec<_>>(),
            [WarningCode::SpillUnknown, WarningCode::OptionUnknown]
        );
        assert!(told.iter().all(|(_, detail)| detail.contains(&format!("{none:?}"))), "{told:?}");
    }
    // A blank value counts as missing. A missing spillId gives no warning.
    let (_, _, told) = read(" ", "");
    assert_eq!(told.iter().map(|it| it.0).collect::<Vec<_>>(), [WarningCode::OptionMissing]);
}

#[test]
fn id_is_trimmed_for_lookup_and_kept_as_given() {
    let (levels, warnings) = levels_from_transfer_action(&[asked(GROUP, " x\n", Some(4), None)], known);
    assert_eq!(levels[0].target, Some(Target::Group("our-x".to_owned())));
    assert_eq!((levels[0].given_id.as_str(), warnings.len()), (" x\n", 0));
}

#[test]
fn level_without_option_overflows_if_spill_or_next_level_exists() {
    let overflows = |asked: &[TransferLevel]| levels_from_transfer_action(asked, known).0[0].overflows;
    let bare = || asked(GROUP, "x", None, None);
    assert!(!overflows(&[bare()]));
    assert!(overflows(&[asked(GROUP, "x", None, Some(4))]));
    assert!(overflows(&[bare(), bare()]));
    assert!(!overflows(&[bare(), asked(None, "skipped", None, None)]));
    assert!(!overflows(&[asked(GROUP, "x", Some(4), Some(7)), bare()]));
}

#[test]
fn plan_after_wait_continues_at_next_level_number() {
    let world = [
        ("a", group(true, &[loaded()], 0)),
        ("b", group(true, &[loaded()], 0)),
        ("c", group(true, &[agent("cat")], 0)),
    ]
    .map(|(id, facts)| (to_group(id), facts))
    .into();
    let spills_offline = Level { condition: OverflowCondition::Offline, ..passing("a") };
    let whole = plan(vec![spills_offline, passing("b"), passing("c")]);
    assert_eq!(run(&whole, &world, Mode::Full).0.outcome, Outcome::Queue { target: to_group("a"), level: 1 });
    let (routed, asked) = run(&plan_after_wait(&whole, 1), &world, Mode::Full);
    assert_eq!(
        routed.outcome,
        Outcome::Assign { agents: vec!["cat".to_owned()], group: Some("c".to_owned()), level: 3 }
    );
    assert_eq!(routed.trail.iter().map(|at| at.level).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(asked, ["b", "c"].map(to_group));
    assert_eq!(plan_after_wait(&plan_after_wait(&whole, 1), 2), plan_after_wait(&whole, 2));
    assert_eq!(plan_after_wait(&whole, 0), whole);
}

#[test]
fn plan_after_wait_without_later_level_leaves_message() {
    let whole = Plan::new(vec![passing("a"), Level::from(to_group("b")), passing("c")], None, AfterHours::Robot);
    for level in [2, 3, 4, u8::MAX] {
        let rest = plan_after_wait(&whole, level);
        let (routed, _) = run(&rest, &[].into(), Mode::Full);
        assert!(matches!(routed.outcome, Outcome::LeaveMessage { .. }), "{level}: {routed:?}");
        assert!(routed.trail.is_empty());
    }
    assert_eq!(run(&plan_after_wait(&whole, 3), &[].into(), Mode::Full).0.outcome, Outcome::LeaveMessage { level: 3 });
}

#[test]
fn plan_after_wait_without_later_target_leaves_message() {
    let unknown = || Level { target: None, ..passing("unknown") };
    let whole = Plan::new(vec![passing("a"), unknown(), unknown()], None, AfterHours::Robot);
    let rest = plan_after_wait(&whole, 1);
    assert!(rest.levels.is_empty(), "{rest:?}");
    assert_eq!(run(&rest, &[].into(), Mode::Full).0.outcome, Outcome::LeaveMessage { level: 1 });
    // One later target suffices.
    let whole = plan(vec![passing("a"), unknown(), passing("b")]);
    let rest = plan_after_wait(&whole, 1);
    let world = [(to_group("b"), group(true, &[loaded()], 0))].into();
    let (routed, _) = run(&rest, &world, Mode::Full);
    assert_eq!(routed.outcome, Outcome::Queue { target: to_group("b"), level: 3 });
    assert_eq!(routed.trail.iter().map(|at| at.level).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn appended_levels_replace_unresolved_ones_beyond_four() {
    let unknown = |id: &str| Level { target: None, ..passing(id) };
    assert!(all_unresolved(&[]) && all_unresolved(&[unknown("a"), unknown("b")]));
    assert!(!all_unresolved(&[unknown("a"), passing("b")]));
    for (unknown_ids, others, expected) in [
        (vec![], vec!["x"], "x"),
        (vec!["a", "b"], vec!["x"], "abx"),
        (vec!["a", "b", "c"], vec!["x"], "abcx"),
        (vec!["a", "b", "c", "d"], vec!["x"], "abcx"),
        (vec!["a", "b", "c", "d"], vec!["x", "y"], "abxy"),
        (vec!["a", "b", "c", "d"], vec![], "abcd"),
    ] {
        let mut levels: Vec<Level> = unknown_ids.into_iter().map(unknown).collect();
        append_levels(&mut levels, others.into_iter().map(passing).collect());
        assert_eq!(levels.iter().map(|level| level.given_id.as_str()).collect::<String>(), expected);
    }
}

#[test]
fn fourth_level_keeps_its_number_after_wait() {
    let world = ["a", "b", "c", "d", "e"].map(|id| (to_group(id), group(true, &[loaded()], 0))).into();
    let rest = plan_after_wait(&plan(["a", "b", "c", "d", "e"].map(passing).to_vec()), 2);
    assert_eq!(run(&rest, &world, Mode::Full).0.outcome, Outcome::Queue { target: to_group("d"), level: 4 });
}

#[test]
fn merchant_group_overflows_to_main_account_group() {
    let merchant = Merchant {
        name: "Tea".to_owned(),
        customer_code: "tea".to_owned(),
        group_id: "g1".to_owned(),
        aliases: vec!["T-1".to_owned()],
    };
    let codes =
        |warnings: Vec<desk::routing::Warning>| warnings.into_iter().map(|warning| warning.code).collect::<Vec<_>>();
    let own = Level { given_id: "T-1".to_owned(), ..Level::from(to_group("g1")) };
    let main = Level { given_id: "main".to_owned(), ..Level::from(to_group("our-main")) };
    let overflowing = Level { overflows: true, ..own.clone() };
    for (merchant, flow_group, levels, odd) in [
        (Some(&merchant), None, vec![own.clone()], vec![]),
        (Some(&merchant), Some("main"), vec![overflowing, main.clone()], vec![]),
        (Some(&merchant), Some("unknown"), vec![own], vec![WarningCode::TargetNotFound]),
        (None, Some("main"), vec![main], vec![WarningCode::MerchantNotFound]),
        (None, None, vec![], vec![WarningCode::MerchantNotFound]),
    ] {
        let (found, warnings) = merchant::levels_from_platform_action("T-1", merchant, flow_group, known);
        assert_eq!((found, codes(warnings)), (levels, odd));
    }
}
