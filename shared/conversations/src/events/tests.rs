use desk::routing::{TargetState, Verdict};
use serde_json::json;

use super::*;

fn trail() -> Vec<TrailEntry> {
    vec![TrailEntry {
        level: 1,
        target: None,
        given_id: "g".to_owned(),
        state: TargetState::Busy,
        verdict: Verdict::Queued,
        reason: "busy".to_owned(),
    }]
}

fn check(event: ConversationEvent, kind: EventKind, data: Value) {
    let event = NewEvent::from(event);
    assert_eq!((event.kind, event.data), (kind, data));
}

fn passage() -> Value {
    json!({ "level": 1, "target": null, "named": "g", "state": "busy", "verdict": "queued", "because": "busy" })
}

#[test]
fn assignments_serialize_with_their_origin() {
    let check = |origin, data: Value| {
        let event = ConversationEvent::Assigned { agent_id: "a".to_owned(), group_id: None, origin };
        check(event, EventKind::Assigned, data);
    };
    check(
        AssignmentOrigin::Routed { level: 2, trail: trail(), because: RoutingCause::LeftMessage(True) },
        json!({
            "agent_id": "a", "group_id": null, "level": 2, "trail": [passage()], "because": { "left_message": true },
        }),
    );
    check(AssignmentOrigin::Claimed { claimed: True }, json!({ "agent_id": "a", "group_id": null, "claimed": true }));
    check(
        AssignmentOrigin::Transferred { transferred: True },
        json!({ "agent_id": "a", "group_id": null, "transferred": true }),
    );
    check(
        AssignmentOrigin::Queue { waited_seconds: 5 },
        json!({ "agent_id": "a", "group_id": null, "waited_seconds": 5 }),
    );
}

#[test]
fn robot_start_serializes_with_its_route_if_it_has_one() {
    let robot = |trail, because| ConversationEvent::RobotStarted { robot_id: "r".to_owned(), trail, because };
    check(robot(None, None), EventKind::RobotStarted, json!({ "robot_id": "r" }));
    let because = RoutingCause::AgentGone("a".to_owned());
    let data = json!({ "robot_id": "r", "trail": [passage()], "because": { "agent_gone": "a" } });
    check(robot(Some(trail()), Some(because)), EventKind::RobotStarted, data);
}

#[test]
fn absent_values_serialize_as_null() {
    let because = RoutingCause::Handover(None);
    check(
        ConversationEvent::LeaveMessageCreated { level: 0, trail: None, because },
        EventKind::LeaveMessageCreated,
        json!({ "level": 0, "trail": null, "because": { "handover": null } }),
    );
    let to = TransferTarget::Group("g".to_owned());
    check(
        ConversationEvent::Transferred {
            from: None,
            to,
            reason: None,
            by: Some("a".to_owned()),
            by_role: Role::Supervisor,
        },
        EventKind::Transferred,
        json!({ "from": null, "to": { "group_id": "g" }, "reason": null, "by": "a", "by_role": "supervisor" }),
    );
    check(
        ConversationEvent::Closed { by: ClosedBy::Idle, by_agent_id: None, agent_id: None, summary: None },
        EventKind::Closed,
        json!({ "by": "idle", "by_agent_id": null, "agent_id": null, "summary": null }),
    );
    check(ConversationEvent::IdleWarned(NoData), EventKind::IdleWarned, Value::Null);
    let overflowed = ConversationEvent::Overflowed(RoutingCause::Unstaffed("group:g".to_owned()));
    check(overflowed, EventKind::Overflowed, json!({ "nobody_there": "group:g" }));
}
