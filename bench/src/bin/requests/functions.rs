//! Calls the functions as Lambda calls them, with the meter as their AWS endpoint.

use std::sync::Arc;

use bench::{Error, Result};
use function::{Deadline, Env};
use jiff::SignedDuration;
use lambda_http::{Body, Response};
use local::Bundle;
use serde_json::{Value, json};
use store::{Clock, ManualClock, SharedClock};

use crate::meter::Meter;

/// The time that an invocation has; longer than any takes.
const TIMEOUT: SignedDuration = SignedDuration::from_mins(5);

/// One warm environment of each function that takes part in a conversation.
pub(crate) struct Functions {
    meter: Meter,
    clock: Arc<ManualClock>,
    ingress: message_ingress::Deps,
    reception: reception::Deps,
    fan_out: fan_out::Deps,
    robot: robot::Deps,
    token_refresh: token_refresh::Deps,
    desk_api: desk_api::Deps,
    card_send: card_send::Deps,
}

/// A POST request to the API or the callback.
pub(crate) struct Call<'a> {
    /// The logical id of the function behind the route.
    pub(crate) function: &'a str,
    /// The path.
    pub(crate) path: &'a str,
    /// The path parameter that the function reads, if there is one.
    pub(crate) parameter: Option<(&'a str, &'a str)>,
    /// The query string.
    pub(crate) query: &'a str,
    /// The body.
    pub(crate) body: &'a str,
    /// The context from the authorizer; null on a route without one.
    pub(crate) caller: Value,
}

impl Functions {
    /// Starts the functions with their environment variables of the template.
    pub(crate) async fn start(bundle: &Bundle, meter: Meter, clock: Arc<ManualClock>) -> Result<Self> {
        let env = |id: &str| environment(bundle, id, meter.url());
        let time: SharedClock = clock.clone();
        Ok(Self {
            ingress: message_ingress::Deps::new(&env("MessageIngress")?, Arc::clone(&time)).await?,
            reception: reception::Deps::new(&env("Reception")?, Arc::clone(&time)).await?,
            fan_out: fan_out::Deps::new(&env("FanOut")?, Arc::clone(&time)).await?,
            robot: robot::Deps::new(&env("Robot")?, Arc::clone(&time)).await?,
            token_refresh: token_refresh::Deps::new(&env("TokenRefresh")?, Arc::clone(&time)).await?,
            desk_api: desk_api::Deps::new(&env("DeskApi")?, Arc::clone(&time)).await?,
            card_send: card_send::Deps::new(&env("CardSend")?, time).await?,
            clock,
            meter,
        })
    }

    /// The meter.
    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Invokes a function with a batch of a stream or a queue, or a schedule's event. An error if a record failed.
    pub(crate) async fn invoke(&self, function: &str, event: Value) -> Result<Value> {
        self.meter.invoked(function);
        let deadline = Deadline::at(self.clock.now() + TIMEOUT);
        let answer = match function {
            "FanOut" => fan_out::handle(&self.fan_out, serde_json::from_value(event)?, deadline).await,
            "Reception" => Box::pin(reception::handle(&self.reception, serde_json::from_value(event)?, deadline)).await,
            "Robot" => Box::pin(robot::handle(&self.robot, serde_json::from_value(event)?, deadline)).await,
            "TokenRefresh" => {
                Box::pin(token_refresh::handle(&self.token_refresh, serde_json::from_value(event)?, deadline)).await
            }
            _ => return Err(Error::Other(format!("unknown function {function}"))),
        };
        let answer = answer.map_err(|error| Error::Other(format!("{function}: {error}")))?;
        match answer["batchItemFailures"].as_array() {
            Some(failures) if !failures.is_empty() => Err(Error::Other(format!("{function}: {answer}"))),
            _ => Ok(answer),
        }
    }

    /// Invokes a function behind the HTTP API and returns the status and the body.
    pub(crate) async fn call(&self, call: &Call<'_>) -> Result<(u16, String)> {
        self.meter.invoked(call.function);
        let request = lambda_http::request::from_str(&self.event(call).to_string())?;
        let deadline = Deadline::at(self.clock.now() + TIMEOUT);
        let response: Response<Body> = match call.function {
            "MessageIngress" => Box::pin(message_ingress::handle(&self.ingress, request)).await,
            "DeskApi" => Box::pin(desk_api::handle(&self.desk_api, request, deadline)).await,
            "CardSend" => Box::pin(card_send::handle(&self.card_send, request, deadline)).await,
            other => return Err(Error::Other(format!("unknown function {other}"))),
        };
        let status = response.status().as_u16();
        Ok((status, String::from_utf8_lossy(response.body()).into_owned()))
    }

    /// The HTTP API event of a request (payload format 2.0).
    fn event(&self, call: &Call<'_>) -> Value {
        let now = self.clock.now();
        let query: serde_json::Map<String, Value> = call
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect();
        let parameters: serde_json::Map<String, Value> =
            call.parameter.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": call.path,
            "rawQueryString": call.query,
            "headers": { "content-type": "application/json", "host": "api.example.com" },
            "queryStringParameters": query,
            "pathParameters": parameters,
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "bench",
                "authorizer": { "lambda": call.caller },
                "domainName": "api.example.com",
                "domainPrefix": "api",
                "http": {
                    "method": "POST", "path": call.path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "bench",
                },
                "requestId": "bench",
                "routeKey": "$default",
                "stage": "$default",
                "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
                "timeEpoch": now.as_millisecond(),
            },
            "body": call.body,
            "isBase64Encoded": false,
        })
    }
}

/// The environment variables of a function: those of the template and those that Lambda sets.
fn environment(bundle: &Bundle, id: &str, aws_url: &str) -> Result<Env> {
    let access_key = bundle.access_key(id);
    let function =
        bundle.template().functions.get(id).ok_or_else(|| Error::Other(format!("template.yaml has no {id}")))?;
    let lambda = [
        ("AWS_REGION", "us-east-1"),
        // The local bundle recognizes a function by its access key.
        ("AWS_ACCESS_KEY_ID", access_key.as_str()),
        ("AWS_SECRET_ACCESS_KEY", "bench"),
        ("AWS_ENDPOINT_URL_DYNAMODB", aws_url),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws_url),
        ("AWS_ENDPOINT_URL_SQS", aws_url),
        ("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", aws_url),
    ];
    let lambda = lambda.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(function.environment.clone().into_iter().chain(lambda).collect::<Env>().local())
}
