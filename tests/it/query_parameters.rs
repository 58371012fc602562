//! The parameters of queries: what is wrong or unknown is refused and named.

use reqwest::Method;

use crate::{
    open_conversation::{fields, problem},
    support::{ADMIN, World},
};

const APP: &str = "wx0000000000000ab2";

#[tokio::test]
async fn invalid_limit_and_cursor_are_refused() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    for path in
        [chat.messages_path(), "/api/conversations".to_owned(), format!("/api/bindings/{APP}/visitors/o-1/messages")]
    {
        for (wrong, field) in
            [("limit=0", "limit"), ("limit=101", "limit"), ("limit=ten", "limit"), ("cursor=%00", "cursor")]
        {
            let answer = world.get(&format!("{path}?{wrong}")).await;
            assert_eq!((problem(&answer).0, fields(&answer)), (422, vec![field]), "{path}?{wrong}");
        }
    }
}

#[tokio::test]
async fn repeated_query_parameter_is_refused() {
    let world = World::start().await;
    for (path, field) in [
        ("/api/bindings?limit=1&limit=2", "limit"),
        ("/api/groups?cursor=a&cursor=a", "cursor"),
        ("/api/conversations?view=all&view=mine", "view"),
    ] {
        let answer = world.get(path).await;
        assert_eq!((problem(&answer).0, fields(&answer)), (422, vec![field]), "{path}: {}", answer.raw);
    }
}

/// The operations of the API's description: method, path with every parameter filled in, and the names of the query's parameters.
async fn operations(world: &World) -> Vec<(Method, String, Vec<String>)> {
    let described = world.get("/api/openapi.json").await.expect(200).body;
    let mut operations = Vec::new();
    for (path, item) in described["paths"].as_object().unwrap() {
        let filled = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part });
        let filled = filled.collect::<Vec<_>>().join("/");
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let of_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
            let names = of_query.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect();
            operations.push((method, filled.clone(), names));
        }
    }
    operations
}

#[tokio::test]
async fn unknown_query_parameter_is_refused_by_every_operation() {
    let world = World::start().await;
    let mut with_parameters = 0;
    for (method, path, names) in operations(&world).await.into_iter().filter(|(_, path, _)| path.starts_with("/api/")) {
        let first = names.first().map(|name| format!("{name}=&")).unwrap_or_default();
        with_parameters += usize::from(!names.is_empty());
        for (query, field) in [("colour=blue", "colour"), ("LIMIT=1", "LIMIT"), ("%E9%A2%9C=1", "颜"), ("=1", "")] {
            let answer = world.call(Some(ADMIN), method.clone(), &format!("{path}?{first}{query}"), None).await;
            assert_eq!((problem(&answer).0, fields(&answer)), (422, vec![field]), "{method} {path}: {}", answer.raw);
        }
        if let Some(name) = names.first() {
            let answer = world.call(Some(ADMIN), method.clone(), &format!("{path}?colour=blue"), None).await;
            assert!(answer.raw.contains(name), "{method} {path}: {}", answer.raw);
        }
    }
    assert!(with_parameters > 10, "{with_parameters}");
    assert_eq!(world.get("/api/groups?").await.status, 200);
}

#[tokio::test]
async fn id_of_another_form_in_a_list_is_refused() {
    let world = World::start().await;
    for (query, field) in [
        ("view=waiting&group_id=售前", "group_id"),
        ("view=waiting&group_id=a000000000000", "group_id"),
        ("view=waiting&agent_id=g000000000000", "agent_id"),
        ("view=mine&agent_id=me", "agent_id"),
        ("view=waiting&group_id=g000000000000&agent_id=a000000000000", "agent_id"),
    ] {
        let answer = world.get(&format!("/api/conversations?{query}")).await;
        assert_eq!((problem(&answer).0, fields(&answer)), (422, vec![field]), "{query}: {}", answer.raw);
    }
}
