//! The last failure of a robot.

use jiff::SignedDuration;
use store::RobotFailure;

use crate::support::Kit;

#[tokio::test]
async fn last_failure_is_kept_until_the_robot_answers() {
    let kit = Kit::start().await;
    let (writer, reader) = (kit.table.robot_failure_writer(), kit.table.robot_failures());
    assert_eq!(reader.robot_failure("r1").await.unwrap(), None);
    let refused = RobotFailure {
        code: "robot.refused".to_owned(),
        status: Some(401),
        message: Some("wrong key".to_owned()),
        at: kit.now(),
    };
    let late = RobotFailure { code: "robot.timeout".to_owned(), status: None, message: None, at: kit.now() };
    for failure in [refused, late] {
        writer.robot_failed("r1", &failure).await.unwrap();
        assert_eq!(reader.robot_failure("r1").await.unwrap(), Some(failure));
        assert_eq!(reader.robot_failure("r2").await.unwrap(), None);
    }
    for _ in 0..2 {
        writer.robot_answered("r1").await.unwrap();
        assert_eq!(reader.robot_failure("r1").await.unwrap(), None);
    }
}

#[tokio::test]
async fn failure_of_a_robot_that_is_not_asked_for_a_week_is_forgotten() {
    let kit = Kit::start().await;
    let failure = RobotFailure { code: "robot.timeout".to_owned(), status: None, message: None, at: kit.now() };
    kit.table.robot_failure_writer().robot_failed("r1", &failure).await.unwrap();
    kit.clock.advance(SignedDuration::from_hours(7 * 24));
    assert_eq!(kit.table.robot_failures().robot_failure("r1").await.unwrap(), None);
}
