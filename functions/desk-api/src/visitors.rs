//! What a visitor and a mini program said to each other.

use function::http::{self, Problem};
use lambda_http::{Body, Request, Response, http::StatusCode};
use store::Thread;

use crate::{Deps, bindings, page::Wanted};

pub(crate) async fn messages(
    deps: &Deps,
    request: &Request,
    app_id: &str,
    openid: &str,
) -> Result<Response<Body>, Problem> {
    let wanted = Wanted::of(request)?;
    bindings::find(deps, app_id).await?;
    let page = deps.table.thread_messages(&Thread::new(app_id, openid), wanted.cursor(), wanted.limit).await?;
    Ok(http::json(StatusCode::OK, &page))
}
