//! The functions, called as Lambda calls them, with the meter for their AWS.

use std::sync::Arc;

use bench::{Error, Result};
use function::Env;
use lambda_http::{Body, Response};
use local::template::Template;
use serde_json::{Value, json};
use store::{Clock, ManualClock, SharedClock};

use crate::meter::Meter;

/// Warm environments of the functions that a conversation meets, one of each.
pub(crate) struct Functions {
    meter: Meter,
    clock: Arc<ManualClock>,
    ingress: message_ingress::Deps,
    reception: reception::Deps,
    robot: robot::Deps,
    delivery: delivery::Deps,
    token_refresh: token_refresh::Deps,
    desk_api: desk_api::Deps,
    card_send: card_send::Deps,
}

/// A request at the API or the callback.
pub(crate) struct Call<'a> {
    /// The function behind the route.
    pub(crate) function: &'a str,
    /// Its path.
    pub(crate) path: &'a str,
    /// The path's one parameter, if the function asks for it by name.
    pub(crate) parameter: Option<(&'a str, &'a str)>,
    /// What follows the question mark.
    pub(crate) query: &'a str,
    /// The body; always sent by `POST`.
    pub(crate) body: &'a str,
    /// What the authorizer found out; nothing where there is none.
    pub(crate) caller: Value,
}

impl Functions {
    /// Starts them with what the template gives each.
    pub(crate) async fn start(template: &Template, meter: Meter, clock: Arc<ManualClock>) -> Result<Self> {
        let env = |id: &str| environment(template, id, meter.url());
        let time: SharedClock = clock.clone();
        Ok(Self {
            ingress: message_ingress::Deps::new(&env("MessageIngress")?, Arc::clone(&time)).await?,
            reception: reception::Deps::new(&env("Reception")?, Arc::clone(&time)).await?,
            robot: robot::Deps::new(&env("Robot")?, Arc::clone(&time)).await?,
            delivery: delivery::Deps::new(&env("Delivery")?, Arc::clone(&time)).await?,
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

    /// Invokes a function that is woken by a stream or by time.
    pub(crate) async fn wake(&self, function: &str, event: Value) -> Result<Value> {
        self.meter.invoked(function);
        let answer = match function {
            "Reception" => Box::pin(reception::handle(&self.reception, event)).await,
            "Robot" => Box::pin(robot::handle(&self.robot, event)).await,
            "Delivery" => Box::pin(delivery::handle(&self.delivery, event)).await,
            "TokenRefresh" => Box::pin(token_refresh::handle(&self.token_refresh, event)).await,
            _ => return Err(Error::Other(format!("{function} is not known to this measurement"))),
        };
        let answer = answer.map_err(|error| Error::Other(format!("{function}: {error}")))?;
        match answer["batchItemFailures"].as_array() {
            Some(failures) if !failures.is_empty() => Err(Error::Other(format!("{function}: {answer}"))),
            _ => Ok(answer),
        }
    }

    /// Invokes a function behind the HTTP API; gives back the status and the body.
    pub(crate) async fn call(&self, call: &Call<'_>) -> Result<(u16, String)> {
        self.meter.invoked(call.function);
        let request = lambda_http::request::from_str(&self.event(call).to_string())?;
        let response: Response<Body> = match call.function {
            "MessageIngress" => Box::pin(message_ingress::handle(&self.ingress, request)).await,
            "DeskApi" => Box::pin(desk_api::handle(&self.desk_api, request)).await,
            "CardSend" => Box::pin(card_send::handle(&self.card_send, request)).await,
            other => return Err(Error::Other(format!("{other} is not known to this measurement"))),
        };
        let status = response.status().as_u16();
        Ok((status, String::from_utf8_lossy(response.body()).into_owned()))
    }

    /// The event that API Gateway makes of it (HTTP API, payload format 2.0).
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

/// The variables of a function: the template's, and Lambda's own.
fn environment(template: &Template, id: &str, aws_url: &str) -> Result<Env> {
    let function =
        template.functions.get(id).ok_or_else(|| Error::Other(format!("there is no {id} in template.yaml")))?;
    let lambda = [
        ("AWS_REGION", "us-east-1"),
        // As in the bundle, which knows a function by it.
        ("AWS_ACCESS_KEY_ID", id),
        ("AWS_SECRET_ACCESS_KEY", "bench"),
        ("AWS_ENDPOINT_URL_DYNAMODB", aws_url),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws_url),
    ];
    let lambda = lambda.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(function.environment.clone().into_iter().chain(lambda).collect())
}
