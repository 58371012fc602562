//! What robots know, kept in memory as long as it has not changed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use desk::{
    faq::{Index, Question},
    robot::Robot,
};
use store::{Kind, Record, Result};

use crate::Conversations;

/// Robots whose knowledge is kept at most: a function has 256 MB.
const KEPT: usize = 32;

/// A robot and what it knows.
#[derive(Debug)]
pub(crate) struct Knowing {
    pub(crate) robot: Record<Robot>,
    pub(crate) questions: Vec<Question>,
    pub(crate) index: Index,
}

/// Where it is kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct RobotCache(Arc<Mutex<HashMap<String, Arc<Knowing>>>>);

impl Conversations {
    /// A robot and what it knows; `None` when there is no such robot. Its questions are read again only when a
    /// change was counted.
    pub(crate) async fn knowing(&self, robot_id: &str) -> Result<Option<Arc<Knowing>>> {
        let Some(robot) = self.table.record::<Robot>(Kind::Robot, robot_id).await? else {
            return Ok(None);
        };
        let kept = self.knowledge.0.lock().unwrap_or_else(PoisonError::into_inner).get(robot_id).cloned();
        if let Some(kept) = kept.filter(|kept| kept.robot.version == robot.version) {
            return Ok(Some(kept));
        }
        let questions: Vec<Question> = self.table.knowledge(robot_id).await?;
        let index = Index::new(&questions);
        let knowing = Arc::new(Knowing { robot, questions, index });
        let mut kept = self.knowledge.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(robot_id.to_owned(), Arc::clone(&knowing));
        Ok(Some(knowing))
    }
}
