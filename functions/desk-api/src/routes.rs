//! Which resource a path names and which methods it has.

use lambda_http::http::Method;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation<'a> {
    /// The description of the API.
    Describe,
    /// All bindings.
    ListBindings,
    /// Bind a mini program.
    Bind,
    /// One binding.
    ReadBinding(&'a str),
    /// Change a binding.
    ChangeBinding(&'a str),
    /// Take a binding away.
    Unbind(&'a str),
    /// What works about a binding and what does not.
    BindingHealth(&'a str),
    /// What a visitor and a mini program said to each other.
    VisitorMessages(&'a str, &'a str),
    /// All conversations.
    ListConversations,
    /// One conversation.
    ReadConversation(&'a str),
    /// End a conversation.
    CloseConversation(&'a str),
    /// Show the visitor that somebody is typing.
    Type(&'a str),
    /// The messages of a conversation.
    ListMessages(&'a str),
    /// Say something.
    Say(&'a str),
    /// All tokens of the API.
    ListAccessTokens,
    /// Make a token.
    CreateAccessToken,
    /// Take a token away.
    DeleteAccessToken(&'a str),
}

impl Operation<'_> {
    /// Whether an agent's token is not enough.
    pub fn is_for_admins(&self) -> bool {
        !matches!(
            self,
            Self::Describe
                | Self::ListConversations
                | Self::ReadConversation(_)
                | Self::CloseConversation(_)
                | Self::Type(_)
                | Self::ListMessages(_)
                | Self::Say(_)
        )
    }
}

/// Where a request leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Routed<'a> {
    /// To this operation.
    Operation(Operation<'a>),
    /// To a resource that has other methods, named as `Allow` names them.
    OtherMethods(String),
    /// Nowhere.
    Nothing,
}

/// The operation of a method on a path.
pub fn route<'a>(method: &Method, path: &'a str) -> Routed<'a> {
    let operations = operations(path);
    if operations.is_empty() {
        return Routed::Nothing;
    }
    match operations.iter().find(|(of, _)| of == method) {
        Some((_, operation)) => Routed::Operation(*operation),
        None => Routed::OtherMethods(operations.iter().map(|(of, _)| of.as_str()).collect::<Vec<_>>().join(", ")),
    }
}

/// Everything that can be done with a path.
fn operations(path: &str) -> Vec<(Method, Operation<'_>)> {
    use Operation as Op;
    let segments: Vec<&str> = path.strip_prefix("/api/").unwrap_or_default().split('/').collect();
    if segments.iter().any(|segment| segment.is_empty()) {
        return Vec::new();
    }
    match segments.as_slice() {
        ["openapi.json"] => vec![(Method::GET, Op::Describe)],
        ["bindings"] => vec![(Method::GET, Op::ListBindings), (Method::POST, Op::Bind)],
        ["bindings", app_id] => vec![
            (Method::GET, Op::ReadBinding(app_id)),
            (Method::PATCH, Op::ChangeBinding(app_id)),
            (Method::DELETE, Op::Unbind(app_id)),
        ],
        ["bindings", app_id, "health"] => vec![(Method::GET, Op::BindingHealth(app_id))],
        ["bindings", app_id, "visitors", openid, "messages"] => {
            vec![(Method::GET, Op::VisitorMessages(app_id, openid))]
        }
        ["conversations"] => vec![(Method::GET, Op::ListConversations)],
        ["conversations", cid] => vec![(Method::GET, Op::ReadConversation(cid))],
        ["conversations", cid, "messages"] => vec![(Method::GET, Op::ListMessages(cid)), (Method::POST, Op::Say(cid))],
        ["conversations", cid, "typing"] => vec![(Method::POST, Op::Type(cid))],
        ["conversations", cid, "close"] => vec![(Method::POST, Op::CloseConversation(cid))],
        ["access-tokens"] => vec![(Method::GET, Op::ListAccessTokens), (Method::POST, Op::CreateAccessToken)],
        ["access-tokens", id] => vec![(Method::DELETE, Op::DeleteAccessToken(id))],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every path and method of the description leads somewhere, and every operation is described. `cards` is
    /// another function's.
    #[test]
    fn the_description_and_the_routes_are_the_same() {
        let description: serde_json::Value = serde_json::from_str(crate::OPENAPI).unwrap();
        let mut described = Vec::new();
        for (path, item) in description["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
                described.push((path.clone(), method.to_uppercase()));
            }
        }
        let cards = ("/api/conversations/{cid}/cards".to_owned(), "POST".to_owned());
        assert!(described.contains(&cards));
        for (path, method) in &described {
            let routed = route(&method.parse().unwrap(), path);
            let ours = matches!(routed, Routed::Operation(_));
            assert!(ours || (path, method) == (&cards.0, &cards.1), "{method} {path} is described but leads nowhere");
        }
        for path in described.iter().map(|(path, _)| path) {
            for (method, _) in operations(path) {
                assert!(described.contains(&(path.clone(), method.to_string())), "{method} {path} is not described");
            }
        }
        let distinct: std::collections::HashSet<_> = described.iter().collect();
        assert_eq!(distinct.len(), described.len());
    }

    #[test]
    fn what_is_no_resource_leads_nowhere() {
        for path in ["", "/", "/api", "/api/", "/api/nothing", "/api/bindings/", "/api/bindings//health", "/bindings"] {
            assert_eq!(route(&Method::GET, path), Routed::Nothing, "{path}");
        }
        assert_eq!(route(&Method::PUT, "/api/bindings"), Routed::OtherMethods("GET, POST".to_owned()));
    }
}
