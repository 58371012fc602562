use std::time::Duration;

use serde_json::json;

use super::*;
use crate::iam::{AuthorizationRequest, is_allowed};

/// The template of this repository. The token hash has no default.
fn deployed() -> Template {
    let token = BTreeMap::from([("AdminTokenSha256".to_owned(), "0".repeat(64))]);
    Template::deployed(&token).unwrap()
}

/// Reads a template without parameters.
fn read(text: &str) -> Result<Template> {
    Template::read(text, &BTreeMap::new())
}

fn error(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

#[test]
fn template_has_the_expected_routes_mappings_and_schedules() {
    let template = deployed();
    let routes = template.routes.iter().map(|route| {
        let authorizer = route.authorizer.as_ref();
        let authorizer = authorizer.map_or("", |authorizer| authorizer.function.as_str());
        (route.key(), route.function.as_str(), authorizer)
    });
    let expected = [
        ("POST /api/conversations/{cid}/cards", "CardSend", "Access"),
        ("ANY /api/{proxy+}", "DeskApi", "Access"),
        ("POST /api/sign-in", "DeskApi", ""),
        ("GET /callback/{app_id}", "CallbackVerify", ""),
        ("POST /callback/{app_id}", "MessageIngress", ""),
        ("GET /", "Console", ""),
        ("GET /{proxy+}", "Console", ""),
    ];
    let mut routes: Vec<_> = routes.collect();
    routes.sort();
    let mut expected = expected.map(|(key, function, authorizer)| (key.to_owned(), function, authorizer));
    expected.sort();
    assert_eq!(routes, expected);
    let authorizer = template.routes.iter().find_map(|route| route.authorizer.clone()).unwrap();
    assert_eq!(authorizer.headers, ["authorization"]);

    let mappings: Vec<_> =
        template.event_source_mappings.iter().map(|mapping| (mapping.name.as_str(), mapping.table.as_str())).collect();
    assert_eq!(mappings, [("FanOut/Changes", "Table"), ("Reception/Inbound", "Table")]);
    for mapping in &template.event_source_mappings {
        assert!(mapping.bisect_on_error && mapping.reports_failures && mapping.from_trim_horizon, "{}", mapping.name);
        assert_eq!(mapping.parallelization_factor, 2, "{}", mapping.name);
        assert_eq!((mapping.batch_size, mapping.max_retries), (100, 5), "{}", mapping.name);
        assert_eq!(mapping.batching_window, Duration::ZERO, "{}", mapping.name);
        assert_eq!(mapping.dead_letter_queue.as_deref(), Some("StreamDeadLetters"));
        let filters = if mapping.name.starts_with("FanOut") { 4 } else { 1 };
        assert_eq!(mapping.filters.len(), filters, "{}", mapping.name);
    }
    let schedules: Vec<_> = template.schedules.iter().map(|schedule| schedule.name.as_str()).collect();
    assert_eq!(schedules, ["Reception/Tick", "TokenRefresh/Tick"]);
    for schedule in &template.schedules {
        assert_eq!((schedule.interval, schedule.max_retries), (Duration::from_mins(1), 0), "{}", schedule.name);
        assert_eq!(schedule.input, json!({"tick": "minute"}));
        assert_eq!(schedule.dead_letter_queue.as_deref(), Some("ScheduleDeadLetters"));
    }
}

#[test]
fn stream_has_two_readers_at_most() {
    // DynamoDB developer guide, "Reading and processing a stream": more than two readers of a shard are throttled.
    for table in deployed().tables.keys() {
        let readers = deployed().event_source_mappings.into_iter().filter(|mapping| mapping.table == *table);
        assert!(readers.count() <= 2, "{table}");
    }
}

#[test]
fn robots_get_their_turns_one_by_one_from_a_queue_with_dead_letters() {
    let template = deployed();
    let mapping = template.queue_mappings.iter().find(|mapping| mapping.queue == "RobotTurns").unwrap();
    assert_eq!(mapping.name, "Robot/Turn");
    assert_eq!((mapping.batch_size, mapping.max_concurrency, mapping.reports_failures), (1, 10, true));
    let queue = &template.queues["RobotTurns"];
    assert_eq!(queue.visibility_timeout.as_secs(), 900);
    let redrive = queue.redrive.as_ref().unwrap();
    assert_eq!((redrive.dead_letter_queue.as_str(), redrive.max_receive_count), ("QueueDeadLetters", 3));
}

#[test]
fn backlogs_are_dropped_before_they_come_back() {
    let template = deployed();
    let mapping = template.queue_mappings.iter().find(|mapping| mapping.queue == "TickWork").unwrap();
    assert_eq!((mapping.name.as_str(), mapping.batch_size, mapping.max_concurrency), ("Reception/Backlog", 1, 20));
    let queue = &template.queues["TickWork"];
    assert!(queue.redrive.is_none() && queue.retention < queue.visibility_timeout);
}

#[test]
fn every_function_has_a_package_variables_and_statements() {
    let template = deployed();
    assert!(!template.functions.is_empty());
    for function in template.functions.values() {
        let manifest = format!("{}/../functions/{}/Cargo.toml", env!("CARGO_MANIFEST_DIR"), function.package);
        assert!(std::path::Path::new(&manifest).exists(), "{manifest}");
        assert!(!function.statements.is_empty(), "{}", function.id);
        assert_eq!(function.environment["TABLE_NAME"], "kefu-Table", "{}", function.id);
        assert!(function.timeout <= Duration::from_mins(3), "{}", function.id);
    }
    // Every crate under functions/ is in the template.
    let packages: Vec<_> = template.functions.values().map(|function| function.package.clone()).collect();
    for folder in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../functions")).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        assert!(packages.contains(&name), "functions/{name} is not in the template");
    }
    assert_eq!(template.functions["Access"].environment["ADMIN_TOKEN_SHA256"], "0".repeat(64));
    assert!(!template.functions["Access"].environment.contains_key("SECRET_ARN"));
    assert_eq!(template.functions["Reception"].environment["SECRET_ARN"], template.secrets["MasterSecret"].arn);
    assert_eq!(template.functions["Reception"].environment["WECHAT_API_URL"], "https://api.weixin.qq.com");
}

#[test]
fn message_ingress_can_only_read_bindings_and_put_messages() {
    let template = deployed();
    let statements = &template.functions["MessageIngress"].statements;
    let allowed = |action: &str, key: &str| {
        let resource = format!("arn:aws:dynamodb:local:000000000000:table/{}", template.tables["Table"].name);
        is_allowed(
            statements,
            &AuthorizationRequest { action: action.to_owned(), resource, leading_keys: vec![key.to_owned()] },
        )
    };
    assert!(allowed("dynamodb:GetItem", "binding#wx1"));
    assert!(allowed("dynamodb:PutItem", "thread#wx1#o"));
    assert!(!allowed("dynamodb:PutItem", "binding#wx1"));
    assert!(!allowed("dynamodb:GetItem", "thread#wx1#o"));
    assert!(!allowed("dynamodb:DeleteItem", "thread#wx1#o"));
}

#[test]
fn robot_turns_come_one_at_a_time_and_a_failed_one_alone_comes_back() {
    let template = deployed();
    let turns = template.queue_mappings.iter().find(|mapping| mapping.name == "Robot/Turn").unwrap();
    assert_eq!((turns.batch_size, turns.max_concurrency, turns.reports_failures), (1, 10, true));
    let queue = template.queues.values().find(|queue| queue.id == turns.queue).unwrap();
    assert_eq!(queue.redrive.as_ref().unwrap().dead_letter_queue, "QueueDeadLetters");
    // Six times the timeout of the function (Lambda developer guide, "Using Lambda with Amazon SQS").
    let timeout = template.functions["Robot"].timeout;
    assert_eq!(queue.visibility_timeout, jiff::SignedDuration::try_from(timeout * 6).unwrap());
}

#[test]
fn only_their_functions_can_write_tokens_sessions_and_connections() {
    let template = deployed();
    let resource = format!("arn:aws:dynamodb:local:000000000000:table/{}", template.tables["Table"].name);
    let mut writers = Vec::new();
    for function in template.functions.values() {
        for action in ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "PartiQLInsert", "PartiQLUpdate"] {
            let action = format!("dynamodb:{action}");
            for key in ["access#0", "session#a1", "sign-in#0", "ticket#0", "connections"] {
                let leading_keys = vec![key.to_owned()];
                let request = AuthorizationRequest { action: action.clone(), resource: resource.clone(), leading_keys };
                if is_allowed(&function.statements, &request) {
                    writers.push(format!("{} {action} {key}", function.id));
                }
            }
        }
    }
    let expected = [
        "Access dynamodb:UpdateItem access#0",
        "Access dynamodb:UpdateItem session#a1",
        "DeskApi dynamodb:PutItem access#0",
        "DeskApi dynamodb:PutItem session#a1",
        "DeskApi dynamodb:PutItem sign-in#0",
        "DeskApi dynamodb:PutItem ticket#0",
        "DeskApi dynamodb:DeleteItem access#0",
        "DeskApi dynamodb:DeleteItem session#a1",
        "DeskApi dynamodb:DeleteItem sign-in#0",
        "DeskApi dynamodb:DeleteItem connections",
        "FanOut dynamodb:DeleteItem connections",
        "Realtime dynamodb:PutItem connections",
        "Realtime dynamodb:UpdateItem connections",
        "Realtime dynamodb:DeleteItem ticket#0",
        "Realtime dynamodb:DeleteItem connections",
    ];
    assert_eq!(writers, expected);
}

#[test]
fn web_socket_api_has_its_routes_and_only_messages_are_answered() {
    let template = deployed();
    let api = template.web_socket_api.unwrap();
    assert_eq!((api.id.as_str(), api.path().as_str()), ("RealtimeApi", "/realtime"));
    let routes: Vec<_> =
        api.routes.iter().map(|(key, route)| (key.as_str(), route.function.as_str(), route.answers)).collect();
    let expected =
        [("$connect", "Realtime", false), ("$default", "Realtime", true), ("$disconnect", "Realtime", false)];
    assert_eq!(routes, expected);
    for body in ["", "x", "{}", r#"{"type":"ping"}"#, r#"{"type":"$connect"}"#, r#"{"type":7}"#] {
        assert_eq!(api.route_of(body).0, "$default", "{body}");
    }
    let variables = &template.functions["DeskApi"].environment;
    assert_eq!(variables["REALTIME_URL"], "wss://realtimeapi.execute-api.local.amazonaws.com/realtime");
    assert_eq!(variables["CONNECTIONS_URL"], "https://realtimeapi.execute-api.local.amazonaws.com/realtime");
}

#[test]
fn table_has_its_indexes_stream_and_ttl() {
    let table = &deployed().tables["Table"];
    assert_eq!(table.partition_key, "pk");
    let indexes: Vec<_> = table.indexes.iter().map(|(name, key)| (name.as_str(), key.as_str())).collect();
    assert_eq!(indexes, [("due", "due_pk"), ("lists", "lists_pk")]);
    assert_eq!(table.ttl.as_deref(), Some("ttl"));
    assert_eq!(
        table.create_request["StreamSpecification"],
        json!({"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"})
    );
    assert_eq!(deployed().secrets["MasterSecret"].length, 64);
}

#[test]
fn unsupported_or_invalid_template_is_an_error() {
    for (resource, said) in [
        ("A: {Type: AWS::SNS::Topic}", "no local counterpart"),
        ("A: {Type: AWS::SQS::Queue, Properties: {FifoQueue: true}}", "FifoQueue"),
        ("A: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: 901}}", "DelaySeconds is 901"),
        ("A: {Type: AWS::SQS::Queue, Properties: {X: !Cidr [a, 1, 2]}}", "Fn::Cidr"),
        ("A: {Type: AWS::SQS::Queue, Properties: {X: !Ref B}}", "Ref B"),
        ("A: {Type: AWS::SQS::Queue, Properties: {X: !GetAtt A.Colour}}", "GetAtt A.Colour"),
        ("A: {Type: AWS::SQS::Queue, Properties: {X: !Sub 'x${B.Arn}'}}", "GetAtt B.Arn"),
        ("A: {Type: AWS::SQS::Queue, Properties: {X: !If [Never, 1, 2]}}", "condition Never"),
        ("A: {Type: AWS::DynamoDB::Table, Properties: {LocalSecondaryIndexes: []}}", "LocalSecondaryIndexes"),
        ("A: {Type: AWS::Serverless::Function, Properties: {CodeUri: a, Timeout: 1, Events: {E: {Type: S3}}}}", "S3"),
        (
            "A: {Type: AWS::Serverless::Function, Properties: {CodeUri: a, Timeout: 1, Events: \
             {E: {Type: ScheduleV2, Properties: {ScheduleExpression: cron(0 12 * * ? *)}}}}}",
            "cron",
        ),
        (
            "A: {Type: AWS::Serverless::Function, Properties: {CodeUri: a, Timeout: 1, Events: {E: {Type: DynamoDB, \
             Properties: {Stream: s, StartingPosition: LATEST, ParallelizationFactor: 11}}}}}",
            "ParallelizationFactor is 11",
        ),
        (
            "A: {Type: AWS::Serverless::Function, Properties: {CodeUri: a, Timeout: 1, Events: {E: {Type: DynamoDB, \
             Properties: {Stream: s, StartingPosition: LATEST, TumblingWindowInSeconds: 1}}}}}",
            "TumblingWindowInSeconds",
        ),
    ] {
        let message = error(&format!("Resources:\n  {resource}\n"));
        assert!(message.contains(said), "{resource}: {message}");
        assert!(message.contains("A (AWS::"), "the error names the resource: {message}");
    }
    let worded = error(
        "Parameters: {P: {Type: Number, Default: many}}\nResources: {A: {Type: AWS::SQS::Queue, Properties: {X: !Ref P}}}\n",
    );
    assert!(worded.contains("parameter P is not a number: many"), "{worded}");
    let unset = error("Parameters: {P: {Type: String}}\nResources: {}\n");
    assert!(unset.contains("parameter P has no value"), "{unset}");
    let unknown = Template::read("Resources: {}", &BTreeMap::from([("P".to_owned(), String::new())]));
    assert!(unknown.unwrap_err().to_string().contains("no parameter P"));
}

#[test]
fn intrinsics_conditions_and_globals_are_resolved() {
    let template = read(
        "
Parameters:
  Stage: {Type: String, Default: test}
  Count: {Type: Number, Default: 0}
Conditions:
  IsZero: !Equals [!Ref Count, '0']
  IsTest: !Equals [!Ref Stage, test]
  IsChina: !Not [!Not [!Equals [!Ref AWS::Partition, aws-cn]]]
  Both: !And [!Condition IsTest, !Condition IsChina]
  Either: !Or [!Condition IsTest, !Condition IsChina]
Globals:
  Function:
    Timeout: 7
    Environment: {Variables: {SHARED: global, OVERRIDDEN: global}}
Resources:
  Q: {Type: AWS::SQS::Queue}
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/f/
      Environment:
        Variables:
          OVERRIDDEN: own
          SUB: !Sub '${Stage}-${Q.QueueName}-${!literal}-${AWS::URLSuffix}'
          JOIN: !Join [':', [!Ref Stage, !GetAtt Q.Arn]]
          IF: !If [IsTest, yes, no]
          BOTH: !If [Both, yes, no]
          EITHER: !If [Either, yes, no]
          GONE: !If [IsChina, x, !Ref AWS::NoValue]
          NUMBER: 5
          COUNT: !Ref Count
          ZERO: !If [IsZero, yes, no]
",
    )
    .unwrap();
    let function = &template.functions["F"];
    assert_eq!((function.package.as_str(), function.timeout), ("f", Duration::from_secs(7)));
    let variables: Vec<_> = function.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let expected = [
        "BOTH=no",
        "COUNT=0",
        "EITHER=yes",
        "IF=yes",
        "JOIN=test:arn:aws:sqs:local:000000000000:kefu-Q",
        "NUMBER=5",
        "OVERRIDDEN=own",
        "SHARED=global",
        "SUB=test-kefu-Q-${literal}-amazonaws.com",
        "ZERO=yes",
    ];
    assert_eq!(variables, expected);
}
