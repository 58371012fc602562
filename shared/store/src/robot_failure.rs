//! The last failure of a robot's server, for the health of the bindings that use the robot.

use jiff::{SignedDuration, Timestamp};

use crate::{
    error::{Result, StoreError},
    handles::{RobotFailureReader, RobotFailureWriter},
    item::{Build, Read, at, n, s},
    keys,
    table::SERVICE,
};

/// How long a failure is kept: without new questions to the robot, it says nothing about the state of its server.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Why a robot could not be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RobotFailure {
    /// The stable code, such as `robot.refused`.
    pub code: String,
    /// The HTTP status of a refusal.
    pub status: Option<u16>,
    /// The server's own error message, at most 200 characters.
    pub message: Option<String>,
    /// When it failed.
    pub at: Timestamp,
}

impl RobotFailureReader {
    /// The last failure of a robot; `None` where it answered since.
    pub async fn robot_failure(&self, robot: &str) -> Result<Option<RobotFailure>> {
        let Some(item) = self.0.get(keys::robot_failure(robot), keys::ROBOT_FAILURE, false).await? else {
            return Ok(None);
        };
        let read = Read { kind: keys::ROBOT_FAILURE, item: &item };
        let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        let status = item.get("status").and_then(|value| value.as_n().ok()).and_then(|status| status.parse().ok());
        let failure =
            RobotFailure { code: read.owned("code")?, status, message: text("message"), at: read.at("failed_at")? };
        Ok(Some(failure).filter(|failure| self.0.clock.now() < failure.at + REMEMBERED))
    }
}

impl RobotFailureWriter {
    /// Stores the last failure of a robot in place of an earlier one.
    pub async fn robot_failed(&self, robot: &str, failure: &RobotFailure) -> Result<()> {
        let item = Build::new(keys::ROBOT_FAILURE, keys::robot_failure(robot), keys::ROBOT_FAILURE)
            .set("code", s(&failure.code))
            .set("failed_at", at(failure.at))
            .set("ttl", n((failure.at + REMEMBERED).as_second()))
            .maybe("status", failure.status.map(n))
            .maybe("message", failure.message.as_ref().map(s));
        let put = self.0.client.put_item().table_name(&self.0.name).set_item(Some(item.done()));
        put.send().await.map(drop).map_err(|error| StoreError::from_sdk(SERVICE, &error))
    }

    /// Deletes the last failure of a robot, if there is one.
    pub async fn robot_answered(&self, robot: &str) -> Result<()> {
        let delete = self.0.client.delete_item().table_name(&self.0.name);
        let delete = delete.key("pk", s(keys::robot_failure(robot))).key("sk", s(keys::ROBOT_FAILURE));
        delete.send().await.map(drop).map_err(|error| StoreError::from_sdk(SERVICE, &error))
    }
}
