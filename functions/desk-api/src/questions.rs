//! What a robot knows: its questions and answers.

use desk::{
    Fault,
    faq::{self, QUESTIONS_MAX, Question},
};
use function::http::{self, FieldError, Problem};
use lambda_http::{Body, Request, Response, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{StoredQuestion, fresh_question_id};

use crate::{Deps, merge::merge, page::Wanted, robots, settings::fields};

/// Longest body that replaces all questions, in bytes. A function takes 6 MB (Lambda quotas, "Invocation payload").
const BODY_MAX: usize = 4 * 1024 * 1024;

pub(crate) async fn list(deps: &Deps, request: &Request, robot: &str) -> Result<Response<Body>, Problem> {
    let wanted = Wanted::of(request)?;
    robots::find(deps, robot).await?;
    let page = deps.table().questions::<Question>(robot, wanted.cursor(), wanted.limit).await?;
    Ok(http::json(StatusCode::OK, &page))
}

pub(crate) async fn read(deps: &Deps, robot: &str, id: &str) -> Result<Response<Body>, Problem> {
    Ok(http::json(StatusCode::OK, &find(deps, robot, id).await?.question))
}

pub(crate) async fn create(deps: &Deps, request: &Request, robot: &str) -> Result<Response<Body>, Problem> {
    let question = checked(with_id(http::body(request)?))?;
    robots::find(deps, robot).await?;
    if deps.table().question::<Value>(robot, &question.id).await?.is_some() {
        let detail = "The robot has a question with this id already. Change that one, or leave the id out.";
        return Err(Problem::new(StatusCode::CONFLICT, "question.exists", detail));
    }
    if deps.table().count_questions(robot).await? >= QUESTIONS_MAX {
        let detail = format!("A robot knows at most {QUESTIONS_MAX} questions.");
        return Err(Problem::new(StatusCode::CONFLICT, "robot.knows_enough", detail));
    }
    deps.table().create_question(robot, &question.id, &question).await?;
    Ok(http::json(StatusCode::CREATED, &question))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replace {
    questions: Vec<Value>,
}

/// Puts these questions in place of all that the robot knows.
pub(crate) async fn replace(deps: &Deps, request: &Request, robot: &str) -> Result<Response<Body>, Problem> {
    let asked: Replace = http::long_body(request, BODY_MAX)?;
    let mut questions = Vec::with_capacity(asked.questions.len());
    for (at, question) in asked.questions.into_iter().enumerate() {
        questions.push(parsed(with_id(question), &format!("questions.{at}."))?);
    }
    let of_all = |fault: &Fault| fault.field == "questions";
    let (of_all, of_each): (Vec<_>, Vec<_>) = faq::faults(&questions).into_iter().partition(of_all);
    let wrong: Vec<_> = fields("", of_all).into_iter().chain(fields("questions.", of_each)).collect();
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    robots::find(deps, robot).await?;
    let count = questions.len();
    let questions: Vec<_> = questions.into_iter().map(|question| (question.id.clone(), question)).collect();
    deps.table().replace_questions(robot, &questions).await?;
    tracing::info!(robot, count, "a robot's questions were replaced");
    Ok(http::json(StatusCode::OK, &json!({ "count": count })))
}

/// Changes a question by a JSON merge patch.
pub(crate) async fn change(deps: &Deps, request: &Request, robot: &str, id: &str) -> Result<Response<Body>, Problem> {
    let asked: Value = http::body(request)?;
    let old = find(deps, robot, id).await?;
    let mut merged = serde_json::to_value(&old.question).unwrap_or_default();
    merge(&mut merged, asked);
    let question = checked(merged)?;
    if question.id != id {
        return Err(Problem::invalid(vec![FieldError::new("id", "stays as it is")]));
    }
    deps.table().change_question(robot, id, &old, &question).await?;
    Ok(http::json(StatusCode::OK, &question))
}

pub(crate) async fn delete(deps: &Deps, robot: &str, id: &str) -> Result<Response<Body>, Problem> {
    robots::find(deps, robot).await?;
    if !deps.table().delete_question(robot, id).await? {
        return Err(Problem::not_found("question"));
    }
    Ok(http::empty())
}

async fn find(deps: &Deps, robot: &str, id: &str) -> Result<StoredQuestion<Question>, Problem> {
    robots::find(deps, robot).await?;
    deps.table().question(robot, id).await?.ok_or_else(|| Problem::not_found("question"))
}

fn with_id(mut question: Value) -> Value {
    if let Some(fields) = question.as_object_mut()
        && fields.get("id").is_none_or(Value::is_null)
    {
        fields.insert("id".to_owned(), fresh_question_id().into());
    }
    question
}

fn parsed(question: Value, place: &str) -> Result<Question, Problem> {
    http::read(question)
        .map_err(|wrong| Problem::invalid(vec![FieldError::new(format!("{place}{}", wrong.field), wrong.detail)]))
}

fn checked(question: Value) -> Result<Question, Problem> {
    let question = parsed(question, "")?;
    let wrong = fields("", question.faults());
    if wrong.is_empty() { Ok(question) } else { Err(Problem::invalid(wrong)) }
}
