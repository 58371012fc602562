//! Robots and their questions, cached in memory until they change.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use desk::{
    faq::{Index, Question},
    robot::Robot,
};
use store::{Record, Result};

use super::circuit::Circuits;
use crate::handles::Handles;

/// How many robots are cached at most: a function has 256 MB.
const ROBOTS_MAX: usize = 32;

/// A robot, its questions and their index.
#[derive(Debug)]
pub(crate) struct RobotKnowledge {
    pub(crate) robot: Arc<Record<Robot>>,
    pub(crate) questions: Vec<Question>,
    pub(crate) index: Index,
}

/// What this process knows of robots: their knowledge, and which of them fail. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct RobotCache {
    knowledge: Arc<Mutex<HashMap<String, Arc<RobotKnowledge>>>>,
    circuits: Circuits,
}

impl RobotKnowledge {
    /// Reads the questions of a robot.
    pub(crate) async fn read(store: &Handles, robot: Arc<Record<Robot>>) -> Result<Self> {
        let questions: Vec<Question> = store.settings.knowledge(&robot.id).await?;
        let index = Index::new(&questions);
        Ok(Self { robot, questions, index })
    }
}

impl RobotCache {
    /// The circuit breakers of the robots.
    pub(crate) fn circuits(&self) -> &Circuits {
        &self.circuits
    }

    /// A robot and its questions; `None` when there is no such robot. The questions are read again only when the robot's
    /// version has changed, which every change of a question raises.
    pub(crate) async fn get(&self, store: &Handles, robot_id: &str) -> Result<Option<Arc<RobotKnowledge>>> {
        let Some(robot) = store.cache.robot(robot_id).await? else {
            return Ok(None);
        };
        let cached = self.knowledge.lock().unwrap_or_else(PoisonError::into_inner).get(robot_id).cloned();
        if let Some(cached) = cached.filter(|cached| cached.robot.version == robot.version) {
            return Ok(Some(cached));
        }
        let knowledge = Arc::new(RobotKnowledge::read(store, robot).await?);
        let mut cache = self.knowledge.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= ROBOTS_MAX {
            cache.clear();
        }
        cache.insert(robot_id.to_owned(), Arc::clone(&knowledge));
        Ok(Some(knowledge))
    }
}
