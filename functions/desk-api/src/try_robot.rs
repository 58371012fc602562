//! A trial of a robot's questions.

use api::{Json, Path, Problem, Routes, State, operation};
use desk::policy::Action;
use desk::{
    faq::{self, Index, Match, Question, Thresholds},
    robot::RobotKind,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{parameters::IdPath, questions, services::Services};

/// Longest text to try, in bytes: what a robot takes of a turn.
const TEXT_MAX: usize = ::robots::MAX_TURN;
/// How many of the nearest questions an answer has.
const NEAREST: usize = 5;

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes.allow(Action::ReadSettings).route(operation!(try_robot));
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Trial {
    /// 1 to 4096 bytes.
    #[schema(min_length = 1, example = "怎么退款")]
    text: String,
}

#[derive(Serialize, ToSchema)]
struct TrialResult {
    answer: TrialAnswer,
    /// The question that is answered, or those that would be offered.
    questions: Vec<Candidate>,
    /// The five questions that come nearest to the text, whatever the thresholds.
    nearest: Vec<Candidate>,
}

/// `direct`: one question is answered; `choice`: several are offered; `unknown`: none is near enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TrialAnswer {
    Direct,
    Choice,
    Unknown,
}

/// A question that a text may mean.
#[derive(Serialize, ToSchema)]
struct Candidate {
    /// The question's id.
    id: String,
    /// The question's title.
    title: String,
    /// 0 hardly fits, 1 is as if word for word.
    #[schema(minimum = 0, maximum = 1)]
    score: f32,
}

/// Try which questions a text finds
///
/// For a robot of any kind. Only the search runs; no model and no other system is asked.
#[utoipa::path(
    post,
    path = "/api/robots/{id}/try",
    operation_id = "tryRobot",
    tag = "robots",
    params(IdPath),
    request_body = Trial,
    responses((status = 200, description = "The questions that the text finds.", body = TrialResult)),
)]
async fn try_robot(
    State(services): State<Services>,
    Path(IdPath { id }): Path<IdPath>,
    Json(trial): Json<Trial>,
) -> Result<Json<TrialResult>, Problem> {
    if trial.text.trim().is_empty() || trial.text.len() > TEXT_MAX {
        return Err(Problem::invalid_field("text", "must have 1 to 4096 bytes"));
    }
    let robot = questions::find_robot(&services, &id).await?;
    let thresholds = match &robot.kind {
        RobotKind::Faq { thresholds } => *thresholds,
        RobotKind::Chat { .. } | RobotKind::Webhook { .. } => Thresholds::default(),
    };
    let questions: Vec<Question> = services.store.settings.knowledge(&id).await?;
    Ok(Json(search(&questions, &trial.text, &thresholds)))
}

fn search(questions: &[Question], text: &str, thresholds: &Thresholds) -> TrialResult {
    let index = Index::new(questions);
    let (answer, chosen) = match faq::find(&index, text, thresholds) {
        Match::Direct(question) => (TrialAnswer::Direct, vec![question]),
        Match::Choice(questions) => (TrialAnswer::Choice, questions),
        Match::Unknown => (TrialAnswer::Unknown, Vec::new()),
    };
    let hits = index.search(text, questions.len());
    let score = |at: usize| hits.iter().find(|hit| hit.question == at).map_or(0.0, |hit| hit.score);
    let candidate = |at: usize| {
        let question = &questions[at];
        Candidate { id: question.id.clone(), title: question.title.clone(), score: score(at) }
    };
    let nearest = hits.iter().take(NEAREST).map(|hit| candidate(hit.question)).collect();
    TrialResult { answer, questions: chosen.into_iter().map(candidate).collect(), nearest }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn search_gives_the_answer_and_the_nearest_questions() {
        let question = |id: &str, title: &str| {
            let question = json!({ "id": id, "title": title, "answer": "x" });
            serde_json::from_value::<Question>(question).unwrap()
        };
        let known = [question("q1", "怎么申请退款"), question("q2", "怎么修改收货地址"), question("q3", "如何开发票")];
        let direct = search(&known, "怎么申请退款?", &Thresholds::default());
        assert_eq!((direct.answer, &*direct.questions[0].id), (TrialAnswer::Direct, "q1"));
        assert!(direct.questions[0].score > 0.9);
        let strict = Thresholds { direct: 1.0, choice: 1.0, lead: 0.0 };
        let near = search(&known, "修改地址", &strict);
        assert_eq!((near.answer, near.questions.len(), &*near.nearest[0].id), (TrialAnswer::Unknown, 0, "q2"));
    }
}
