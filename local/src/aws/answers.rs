//! Answers of the AWS endpoint itself, in the formats of DynamoDB, Secrets Manager and SQS.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};

use super::{Fault, Service};

/// The message of a conflict with a transaction.
const ONGOING: &str = "Transaction is ongoing for the item";

/// The answer of a fault that refuses a request.
pub(super) fn of_fault(fault: Fault, service: Service, operation: &str, request: &Value) -> Response<Full<Bytes>> {
    let members = || request["TransactItems"].as_array().map_or(0, Vec::len);
    match fault {
        Fault::ThrottleTable => table_throttled(service),
        Fault::ThrottleRequests => requests_throttled(service),
        Fault::ThrottleTransaction => transaction_throttled(members()),
        Fault::TransactionConflict if operation.starts_with("Transact") => {
            let mut conflicts = vec![false; members().max(1)];
            conflicts[0] = true;
            transaction_in_conflict(&conflicts)
        }
        Fault::TransactionConflict => write_in_conflict(),
        Fault::TransactionInProgress => transaction_in_progress(),
        Fault::InternalError | Fault::CloseBefore | Fault::CloseAfter | Fault::Hold | Fault::RefuseFirstEntry => {
            internal_error(service)
        }
    }
}

/// A throttling error of the table.
fn table_throttled(service: Service) -> Response<Full<Bytes>> {
    match service {
        Service::DynamoDb => error(
            service,
            "ProvisionedThroughputExceededException",
            "The level of configured provisioned throughput for the table was exceeded. Consider increasing your \
             provisioning level with the UpdateTable API.",
        ),
        Service::SecretsManager | Service::Sqs => requests_throttled(service),
    }
}

/// A throttling error of the service's front end.
fn requests_throttled(service: Service) -> Response<Full<Bytes>> {
    match service {
        Service::Sqs => error(service, "RequestThrottled", "The request was denied due to request throttling."),
        _ => error(service, "ThrottlingException", "Rate exceeded"),
    }
}

fn internal_error(service: Service) -> Response<Full<Bytes>> {
    match service {
        Service::DynamoDb => error(service, "InternalServerError", "Internal server error"),
        Service::SecretsManager => error(service, "InternalServiceError", "Internal service error"),
        Service::Sqs => error(service, "InternalError", "Internal error"),
    }
}

/// A single write to an item in a running transaction.
pub(super) fn write_in_conflict() -> Response<Full<Bytes>> {
    error(Service::DynamoDb, "TransactionConflictException", ONGOING)
}

/// A transaction that is still running and whose `ClientRequestToken` comes again.
fn transaction_in_progress() -> Response<Full<Bytes>> {
    let message = "The transaction with the given request token is already in progress.";
    error(Service::DynamoDb, "TransactionInProgressException", message)
}

/// A transaction that is cancelled by conflicts; one flag for each member.
pub(super) fn transaction_in_conflict(conflicts: &[bool]) -> Response<Full<Bytes>> {
    let codes =
        conflicts.iter().map(|conflict| if *conflict { ("TransactionConflict", ONGOING) } else { ("None", "") });
    cancelled(&codes.collect::<Vec<_>>())
}

/// A transaction with this number of members that is cancelled because one of its items is throttled.
fn transaction_throttled(members: usize) -> Response<Full<Bytes>> {
    let mut reasons = vec![("None", ""); members.max(1)];
    reasons[0] = ("ThrottlingError", "Throughput exceeds the current capacity of your table or index.");
    cancelled(&reasons)
}

/// The answer to a cancelled transaction (API reference, `TransactionCanceledException`).
fn cancelled(reasons: &[(&str, &str)]) -> Response<Full<Bytes>> {
    let codes: Vec<&str> = reasons.iter().map(|(code, _)| *code).collect();
    let reasons = reasons.iter().map(|(code, message)| match *message {
        "" => json!({ "Code": code }),
        message => json!({ "Code": code, "Message": message }),
    });
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
            codes.join(", ")
        ),
        "CancellationReasons": reasons.collect::<Vec<_>>(),
    });
    respond(Service::DynamoDb, StatusCode::BAD_REQUEST, &body)
}

/// An error answer in the format of the service.
pub(super) fn error(service: Service, kind: &str, message: &str) -> Response<Full<Bytes>> {
    let namespace = match (service, kind) {
        (Service::SecretsManager, _) => "",
        (Service::Sqs, _) => "com.amazonaws.sqs#",
        (
            _,
            "ProvisionedThroughputExceededException"
            | "InternalServerError"
            | "TransactionConflictException"
            | "TransactionInProgressException",
        ) => "com.amazonaws.dynamodb.v20120810#",
        (Service::DynamoDb, _) => "com.amazon.coral.service#",
    };
    let status = if kind.starts_with("Internal") { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::BAD_REQUEST };
    // AWS uses `Message` in errors of its front end and `message` in those of the service's model.
    let field = if kind == "AccessDeniedException" { "Message" } else { "message" };
    respond(service, status, &json!({ "__type": format!("{namespace}{kind}"), field: message }))
}

pub(super) fn respond(service: Service, status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    json(service, status, body.to_string())
}

/// A response whose body is JSON text.
pub(super) fn json(service: Service, status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let content_type = match service {
        Service::DynamoDb | Service::Sqs => "application/x-amz-json-1.0",
        Service::SecretsManager => "application/x-amz-json-1.1",
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
