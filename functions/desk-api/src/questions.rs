//! What a robot knows: its questions and answers.

use api::{Code, Created, Json, LimitedJson, NoContent, PageOf, PageRequest, Path, Problem, Routes, State, operation};
use desk::policy::Action;
use desk::{
    faq::{self, QUESTIONS_MAX, Question},
    robot::Robot,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Kind, StoredQuestion, fresh_question_id};
use utoipa::ToSchema;

use crate::{
    merge::merge,
    parameters::{IdPath, QuestionPath},
    schema,
    services::{Acting, Services},
    settings::fields,
};

/// Longest body that replaces all questions, in bytes. A function takes 6 MB (Lambda quotas, "Invocation payload").
const BODY_MAX: usize = 4 * 1024 * 1024;

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes
        .allow(Action::ReadSettings)
        .route(operation!(list))
        .route(operation!(read))
        .allow(Action::ManageSettings)
        .route_refusing(operation!(create), &[(409, Code::QuestionExists), (409, Code::RobotKnowsEnough)])
        .route(operation!(replace))
        .route(operation!(change))
        .route(operation!(delete));
}

/// A question to be created.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "title": "怎么退款", "answer": "在订单页点击“申请退款”。" }))]
pub(crate) struct NewQuestion {
    /// 1 to 64 letters, digits, hyphens, underscores or dots; generated where it is missing.
    #[serde(default)]
    #[schema(pattern = "^[A-Za-z0-9._-]{1,64}$")]
    id: Option<String>,
    /// The question as it is shown in a choice, one line.
    #[schema(min_length = 1, max_length = 80)]
    title: String,
    /// Other ways to ask it, each one line of at most 200 characters.
    #[serde(default)]
    #[schema(max_items = 20)]
    variants: Vec<String>,
    /// At most 2048 bytes.
    #[schema(min_length = 1, max_length = 2048)]
    answer: String,
    /// Whether the robot does not use it for now.
    #[serde(default)]
    #[schema(default = false)]
    disabled: bool,
}

impl From<NewQuestion> for Question {
    fn from(new: NewQuestion) -> Self {
        let NewQuestion { id, title, variants, answer, disabled } = new;
        Self { id: id.unwrap_or_else(fresh_question_id), title, variants, answer, disabled }
    }
}

/// List the questions of a robot
#[utoipa::path(
    get,
    path = "/api/robots/{id}/questions",
    operation_id = "listQuestions",
    tag = "questions",
    params(IdPath, PageRequest),
    responses((status = 200, description = "A page of questions.", body = schema::QuestionPage)),
)]
async fn list(
    State(services): State<Services>,
    Path(IdPath { id }): Path<IdPath>,
    page: PageRequest,
) -> Result<Json<PageOf<Question>>, Problem> {
    find_robot(&services, &id).await?;
    Ok(Json(services.store.settings.questions::<Question>(&id, page.cursor(), page.limit).await?.into()))
}

/// Get a question
#[utoipa::path(
    get,
    path = "/api/robots/{id}/questions/{question_id}",
    operation_id = "getQuestion",
    tag = "questions",
    params(QuestionPath),
    responses((status = 200, description = "The question.", body = Question)),
)]
async fn read(
    State(services): State<Services>,
    Path(QuestionPath { id, question_id }): Path<QuestionPath>,
) -> Result<Json<Question>, Problem> {
    Ok(Json(find(&services, &id, &question_id).await?.question))
}

/// Create a question
///
/// A robot has at most 1000 questions.
#[utoipa::path(
    post,
    path = "/api/robots/{id}/questions",
    operation_id = "createQuestion",
    tag = "questions",
    params(IdPath),
    request_body = NewQuestion,
    responses((status = 201, description = "The new question.", body = Question)),
)]
async fn create(
    Acting(services): Acting,
    Path(IdPath { id }): Path<IdPath>,
    Json(new): Json<NewQuestion>,
) -> Result<Created<Question>, Problem> {
    let question = validated(new.into())?;
    find_robot(&services, &id).await?;
    if services.store.settings.question::<Value>(&id, &question.id).await?.is_some() {
        let detail = "The robot already has a question with this id. Change that one, or leave the id out.";
        return Err(Problem::conflict(Code::QuestionExists, detail));
    }
    if services.store.settings.count_questions(&id).await? >= QUESTIONS_MAX {
        let detail = format!("A robot has at most {QUESTIONS_MAX} questions.");
        return Err(Problem::conflict(Code::RobotKnowsEnough, detail));
    }
    services.store.settings_writer.create_question(&id, &question.id, &question).await?;
    Ok(Created(question))
}

/// All questions of a robot.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = QuestionReplacement)]
struct Replacement {
    #[schema(max_items = 1000)]
    questions: Vec<NewQuestion>,
}

#[derive(Serialize, ToSchema)]
struct QuestionCount {
    /// How many questions the robot has now.
    #[schema(maximum = 1000)]
    count: usize,
}

/// Replace all questions of a robot
///
/// The body has at most 4 MB.
#[utoipa::path(
    put,
    path = "/api/robots/{id}/questions",
    operation_id = "replaceQuestions",
    tag = "questions",
    params(IdPath),
    request_body = Replacement,
    responses((status = 200, description = "The questions are replaced.", body = QuestionCount)),
)]
async fn replace(
    Acting(services): Acting,
    Path(IdPath { id }): Path<IdPath>,
    LimitedJson(replacement): LimitedJson<Replacement, BODY_MAX>,
) -> Result<Json<QuestionCount>, Problem> {
    let questions: Vec<Question> = replacement.questions.into_iter().map(Question::from).collect();
    let wrong = fields("", faq::faults(&questions));
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    find_robot(&services, &id).await?;
    let count = questions.len();
    let questions: Vec<_> = questions.into_iter().map(|question| (question.id.clone(), question)).collect();
    services.store.settings_writer.replace_questions(&id, &questions).await?;
    tracing::info!(robot_id = id, count, "questions replaced");
    Ok(Json(QuestionCount { count }))
}

/// Change a question
///
/// A JSON merge patch (RFC 7396). The id cannot be changed. The change takes effect within 10 seconds.
#[utoipa::path(
    patch,
    path = "/api/robots/{id}/questions/{question_id}",
    operation_id = "changeQuestion",
    tag = "questions",
    params(QuestionPath),
    request_body = schema::QuestionChange,
    responses((status = 200, description = "The question as it is now.", body = Question)),
)]
async fn change(
    Acting(services): Acting,
    Path(QuestionPath { id, question_id }): Path<QuestionPath>,
    Json(patch): Json<Value>,
) -> Result<Json<Question>, Problem> {
    let old = find(&services, &id, &question_id).await?;
    let mut merged = serde_json::to_value(&old.question).unwrap_or_default();
    merge(&mut merged, patch);
    let question = api::read(merged).map_err(|wrong| Problem::invalid(vec![wrong]))?;
    let question: Question = validated(question)?;
    if question.id != question_id {
        return Err(Problem::invalid_field("id", "cannot be changed"));
    }
    services.store.settings_writer.change_question(&id, &question_id, &old, &question).await?;
    Ok(Json(question))
}

/// Delete a question
#[utoipa::path(
    delete,
    path = "/api/robots/{id}/questions/{question_id}",
    operation_id = "deleteQuestion",
    tag = "questions",
    params(QuestionPath),
    responses((status = 204, description = "The question is deleted.")),
)]
async fn delete(
    Acting(services): Acting,
    Path(QuestionPath { id, question_id }): Path<QuestionPath>,
) -> Result<NoContent, Problem> {
    find_robot(&services, &id).await?;
    if !services.store.settings_writer.delete_question(&id, &question_id).await? {
        return Err(Problem::not_found("question"));
    }
    Ok(NoContent)
}

/// The robot with this id.
pub(crate) async fn find_robot(services: &Services, id: &str) -> Result<Robot, Problem> {
    let found = if Kind::Robot.is_id(id) { services.store.settings.record::<Robot>(id).await? } else { None };
    found.map(|record| record.settings).ok_or_else(|| Problem::not_found("robot"))
}

async fn find(services: &Services, robot: &str, id: &str) -> Result<StoredQuestion<Question>, Problem> {
    find_robot(services, robot).await?;
    services.store.settings.question(robot, id).await?.ok_or_else(|| Problem::not_found("question"))
}

fn validated(question: Question) -> Result<Question, Problem> {
    let wrong = fields("", question.faults());
    if wrong.is_empty() { Ok(question) } else { Err(Problem::invalid(wrong)) }
}
