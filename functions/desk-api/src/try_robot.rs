//! A trial of a robot.

use ::conversations::{AnswerKind, AskFailure, RobotTrial, WithheldAnswer};
use api::{Json, Path, Problem, Routes, State, operation};
use desk::{
    faq::{Index, Question},
    policy::Action,
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
    #[schema(min_length = 1, max_length = 4096, example = "怎么退款")]
    text: String,
}

#[derive(Serialize, ToSchema)]
struct TrialResult {
    /// `direct`: there is an answer; `choice`: several questions are offered; `unknown`: there is no answer; `handover`: the
    /// robot hands over; `failed`: the model or the webhook could not be asked.
    answer: AnswerKind,
    /// What a visitor would get; `null` where it would be the fallback, or the visitor would be handed over.
    #[schema(required = true)]
    text: Option<String>,
    /// The questions that the answer comes from, or those that would be offered.
    questions: Vec<Candidate>,
    /// The five questions that come nearest to the text, whatever the thresholds.
    nearest: Vec<Candidate>,
    /// Why the model or the webhook could not be asked.
    #[schema(required = true)]
    failure: Option<TrialFailure>,
    /// What the model wrote and would not be sent, because the questions do not support it.
    #[schema(required = true)]
    withheld: Option<WithheldAnswer>,
    /// The tokens that the model's server counted.
    #[schema(required = true)]
    tokens: Option<u64>,
}

/// Why a robot could not be asked.
#[derive(Serialize, ToSchema)]
#[schema(as = RobotTrialFailure)]
struct TrialFailure {
    /// The stable code, as in the event `robot.answered`.
    #[schema(example = "robot.refused")]
    code: &'static str,
    /// The HTTP status of a refusal.
    #[schema(required = true)]
    status: Option<u16>,
    /// The server's own error message, at most 200 characters, without keys.
    #[schema(required = true)]
    message: Option<String>,
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

/// Try a robot
///
/// Says which questions a text finds, and what a visitor who writes it would get. A model or a webhook is really asked, without
/// the text's being part of a conversation: `cid` and `uid` of the request to a webhook are `try`, and `app_id` is empty. The
/// answer takes as long as the robot's deadline allows.
#[utoipa::path(
    post,
    path = "/api/robots/{id}/try",
    operation_id = "tryRobot",
    tag = "robots",
    params(IdPath),
    request_body = Trial,
    responses((status = 200, description = "What the robot answers.", body = TrialResult)),
)]
async fn try_robot(
    State(services): State<Services>,
    Path(IdPath { id }): Path<IdPath>,
    Json(trial): Json<Trial>,
) -> Result<Json<TrialResult>, Problem> {
    if trial.text.trim().is_empty() || trial.text.len() > TEXT_MAX {
        return Err(Problem::invalid_field("text", "must have 1 to 4096 bytes"));
    }
    questions::find_robot(&services, &id).await?;
    let questions: Vec<Question> = services.store.settings.knowledge(&id).await?;
    let tried = Box::pin(services.conversations.try_robot(&services.robots, &id, &trial.text)).await?;
    let tried = tried.ok_or_else(|| Problem::not_found("robot"))?;
    Ok(Json(result(&questions, &trial.text, tried)))
}

fn result(questions: &[Question], text: &str, tried: RobotTrial) -> TrialResult {
    let hits = Index::new(questions).search(text, questions.len());
    let candidate = |at: usize| {
        let question = &questions[at];
        let score = hits.iter().find(|hit| hit.question == at).map_or(0.0, |hit| hit.score);
        Candidate { id: question.id.clone(), title: question.title.clone(), score }
    };
    let nearest = hits.iter().take(NEAREST).map(|hit| candidate(hit.question)).collect();
    let place = |id: &String| questions.iter().position(|question| question.id == *id);
    let RobotTrial { answer, text, sources, failure, withheld, tokens } = tried;
    let failure = failure.map(|AskFailure { code, status, message }| TrialFailure { code, status, message });
    let questions = sources.iter().filter_map(place).map(candidate).collect();
    TrialResult { answer, text, questions, nearest, failure, withheld, tokens }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn result_has_the_scores_of_its_questions() {
        let question = |id: &str, title: &str| {
            let question = json!({ "id": id, "title": title, "answer": "x" });
            serde_json::from_value::<Question>(question).unwrap()
        };
        let known = [question("q1", "怎么申请退款"), question("q2", "怎么修改收货地址"), question("q3", "如何开发票")];
        let tried = |answer, sources: &[&str]| RobotTrial {
            answer,
            text: None,
            sources: sources.iter().map(|id| (*id).to_owned()).collect(),
            failure: None,
            withheld: None,
            tokens: None,
        };
        let direct = result(&known, "怎么申请退款?", tried(AnswerKind::Direct, &["q1", "deleted"]));
        assert_eq!((direct.questions.len(), &*direct.questions[0].id), (1, "q1"));
        assert!(direct.questions[0].score > 0.9);
        let near = result(&known, "修改地址", tried(AnswerKind::Unknown, &[]));
        assert_eq!((near.questions.len(), &*near.nearest[0].id), (0, "q2"));
    }
}
