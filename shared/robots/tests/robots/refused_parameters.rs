//! Models that refuse a parameter of the request.

use robots::{Answer, Chat, Client};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::method};

use crate::{ask_model, client, model, reply, turn_request};

/// A model that refuses a request as long as `fault` finds one.
async fn server_refusing(status: u16, fault: impl Fn(&Value) -> Option<Value> + Send + Sync + 'static) -> MockServer {
    let server = MockServer::start().await;
    let respond = move |request: &Request| match fault(&request.body_json().unwrap()) {
        Some(error) => ResponseTemplate::new(status).set_body_json(error),
        None => reply("支持。", &[1]),
    };
    Mock::given(method("POST")).respond_with(respond).mount(&server).await;
    server
}

fn error(message: &str) -> Value {
    json!({"error": {"message": message, "type": "invalid_request_error", "param": null}})
}

async fn answer(client: &Client, server: &MockServer) -> Answer {
    ask_model(client, &model(&server.uri()), &turn_request("怎么退货？", &[])).await.unwrap()
}

/// Asks twice. Returns the bodies of all requests; the last one is the second question.
async fn accepted_after_refusals(server: &MockServer) -> Vec<Value> {
    let client = client();
    assert_eq!(answer(&client, server).await, Answer::Text("支持。".to_owned()));
    let before = server.received_requests().await.unwrap().len();
    assert_eq!(answer(&client, server).await, Answer::Text("支持。".to_owned()));
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), before + 1, "what was refused is remembered");
    requests.iter().map(|request| request.body_json().unwrap()).collect()
}

#[tokio::test]
async fn response_format_becomes_json_schema_then_text_then_absent() {
    for (accepted, refusals) in [("json_schema", 1), ("text", 2), ("", 3)] {
        let server = server_refusing(400, move |body| {
            let format = body["response_format"]["type"].as_str().unwrap_or_default();
            (format != accepted).then(|| error("'response_format.type' must be 'json_schema' or 'text'"))
        })
        .await;
        let bodies = accepted_after_refusals(&server).await;
        assert_eq!(bodies.len(), refusals + 2);
        assert_eq!(bodies[refusals]["response_format"]["type"].as_str().unwrap_or_default(), accepted);
    }
}

#[tokio::test]
async fn other_parameters_are_renamed_dropped_or_set() {
    type Fault = fn(&Value) -> Option<Value>;
    let faults: [(u16, Fault); 6] = [
        (400, |body| {
            body.get("max_tokens").map(|_| {
                error("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.")
            })
        }),
        (422, |body| {
            body.get("max_tokens").or(body.get("max_completion_tokens")).map(|_| {
                json!({"detail": [{"loc": ["body", "max_tokens"], "msg": "Extra inputs are not permitted", "type": "x"}]})
            })
        }),
        (400, |body| {
            body.get("temperature").map(
                |_| json!({"error": {"message": "Only the default (1) value is supported.", "param": "temperature"}}),
            )
        }),
        (400, |body| body.get("stream").map(|_| error("Unrecognized request argument supplied: stream"))),
        (400, |body| {
            let is_stream = body["stream"] == true;
            (!is_stream).then(|| error("This model only support stream mode, please enable the stream parameter"))
        }),
        (400, |body| {
            let is_off = body["enable_thinking"] == false;
            (!is_off).then(|| error("parameter.enable_thinking must be set to false for non-streaming calls"))
        }),
    ];
    for (status, fault) in faults {
        let server = server_refusing(status, fault).await;
        let bodies = accepted_after_refusals(&server).await;
        assert!((3..=4).contains(&bodies.len()), "{bodies:?}");
        assert_eq!(bodies.last().unwrap()["response_format"]["type"], "json_object", "the rest is kept");
    }
}

#[tokio::test]
async fn two_refused_parameters_are_both_remembered() {
    let server = server_refusing(400, |body| {
        let format = body.get("response_format").map(|_| error("response_format is not supported"));
        format.or_else(|| body.get("temperature").map(|_| error("temperature is not supported")))
    })
    .await;
    let bodies = accepted_after_refusals(&server).await;
    let last = bodies.last().unwrap();
    assert_eq!((last.get("response_format"), last.get("temperature")), (None, None));
    // Another model of the same server is asked with everything.
    let robot = Chat { model: "other".to_owned(), ..model(&server.uri()) };
    ask_model(&client(), &robot, &turn_request("怎么退货？", &[])).await.unwrap();
}

#[tokio::test]
async fn refusal_that_names_no_parameter_ends_the_request() {
    for message in ["invalid model", "upstream error", "response_format is not supported"] {
        let server = server_refusing(400, move |_| Some(error(message))).await;
        let failure = ask_model(&client(), &model(&server.uri()), &turn_request("?", &[])).await.unwrap_err();
        assert_eq!((failure.status(), failure.message()), (Some(400), Some(message)));
        assert!(server.received_requests().await.unwrap().len() <= 4);
    }
}
