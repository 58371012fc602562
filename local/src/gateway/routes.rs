//! Selects the route of a request.

use std::collections::BTreeMap;

use http::Method;

use crate::template::Route;

/// The path parameters of a route, by name.
pub(super) type PathParameters = BTreeMap<String, String>;

/// The first route that matches the decoded path, with its parameters. The routes must be ordered, most specific first.
pub(super) fn find<'a>(routes: &'a [Route], method: &Method, path: &str) -> Option<(&'a Route, PathParameters)> {
    routes.iter().find_map(|route| {
        let matches = route.method.as_ref().is_none_or(|expected| expected == method);
        matches.then(|| parameters(&route.path, path)).flatten().map(|parameters| (route, parameters))
    })
}

fn parameters(pattern: &str, path: &str) -> Option<PathParameters> {
    let mut found = BTreeMap::new();
    let mut rest = path.strip_prefix('/')?;
    let mut parts = pattern.strip_prefix('/')?.split('/').peekable();
    while let Some(part) = parts.next() {
        let name = part.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
        if let Some(greedy) = name.and_then(|name| name.strip_suffix('+')) {
            found.insert(greedy.to_owned(), rest.to_owned());
            return (!rest.is_empty()).then_some(found);
        }
        let (segment, after) = rest.split_once('/').map_or((rest, None), |(segment, after)| (segment, Some(after)));
        match name {
            Some(name) if !segment.is_empty() => {
                found.insert(name.to_owned(), segment.to_owned());
            }
            None if segment == part => {}
            _ => return None,
        }
        match (after, parts.peek()) {
            (Some(after), Some(_)) => rest = after,
            (None, None) => return Some(found),
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &str, path: &str) -> Route {
        let method = (method != "ANY").then(|| method.parse().unwrap());
        Route { method, path: path.to_owned(), function: String::new(), authorizer: None }
    }

    fn selected(method: &Method, path: &str) -> Option<(String, String)> {
        let mut routes = vec![
            route("ANY", "/{proxy+}"),
            route("GET", "/pets/{proxy+}"),
            route("ANY", "/pets/dog/1"),
            route("GET", "/pets/dog/{id}"),
            route("GET", "/pets/dog/1"),
            route("POST", "/pets/{kind}/{id}"),
            route("GET", "/pets/{kind}"),
        ];
        routes.sort_by_key(Route::specificity);
        let (route, parameters) = find(&routes, method, path)?;
        let parameters: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Some((route.key(), parameters.join(",")))
    }

    #[test]
    fn most_specific_route_is_selected() {
        for (method, path, key, parameters) in [
            (Method::GET, "/pets/dog/1", "GET /pets/dog/1", ""),
            (Method::PUT, "/pets/dog/1", "ANY /pets/dog/1", ""),
            (Method::GET, "/pets/dog/2", "GET /pets/dog/{id}", "id=2"),
            (Method::POST, "/pets/dog/2", "POST /pets/{kind}/{id}", "id=2,kind=dog"),
            (Method::GET, "/pets/dog/2/3", "GET /pets/{proxy+}", "proxy=dog/2/3"),
            (Method::POST, "/pets/dog/2/3", "ANY /{proxy+}", "proxy=pets/dog/2/3"),
            (Method::GET, "/pets/dog", "GET /pets/{kind}", "kind=dog"),
            (Method::GET, "/pets", "ANY /{proxy+}", "proxy=pets"),
            (Method::GET, "/pets/dog/a%2Fb", "GET /pets/dog/{id}", "id=a%2Fb"),
        ] {
            assert_eq!(selected(&method, path), Some((key.to_owned(), parameters.to_owned())), "{method} {path}");
        }
    }

    #[test]
    fn empty_segment_does_not_match_a_parameter() {
        assert!(parameters("/callback/{app_id}", "/callback/").is_none());
        assert!(parameters("/callback/{app_id}", "/callback").is_none());
        assert!(parameters("/callback/{app_id}", "/callback/a/").is_none());
        assert!(parameters("/api/{proxy+}", "/api/").is_none());
    }
}
