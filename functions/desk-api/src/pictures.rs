//! Pictures of a conversation: upload one to send, and get that of a message.

use ::conversations::PictureError;
use api::{Binary, Code, Created, Path, Permitted, Problem, Refusal, Routes, State, operation};
use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use channel::{ImageKind, MAX_IMAGE};
use desk::policy::Action;
use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type},
};

use crate::{
    handoff::CLAIM_REFUSALS,
    parameters::{ConversationPath, MessagePath},
    services::Services,
};

/// The largest picture of an answer, in bytes. Lambda takes answers of 6 MB, and as base64 they are a third longer.
const SHOWN_MAX: usize = 4 * 1024 * 1024;

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let mut sends: Vec<Refusal> = CLAIM_REFUSALS.to_vec();
    sends.extend([(409, Code::ConversationNotAssigned), (409, Code::ConversationClosed)]);
    sends.extend(Code::of_failed_sends());
    let mut reads: Vec<Refusal> = vec![(422, Code::MediaTooLarge)];
    reads.extend(Code::of_failed_sends());
    let _ = routes
        .allow(Action::SendMessage)
        .route_refusing(operation!(upload), &sends)
        .allow(Action::ReadConversation)
        .route_refusing(operation!(media), &reads);
}

/// The bytes of a picture.
struct PictureFile;

impl PartialSchema for PictureFile {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

impl ToSchema for PictureFile {}

/// A picture that was uploaded.
#[derive(Serialize, ToSchema)]
struct UploadedPicture {
    /// WeChat's id for three days: `image.media_id` of a message, or `miniPage.thumbMediaId` of a card.
    media_id: String,
    /// `image/png`, `image/jpeg` or `image/gif`, by its first bytes.
    content_type: String,
    /// How many bytes it has.
    size: u64,
}

/// Upload a picture
///
/// The body is the file itself: PNG, JPEG or GIF, at most 2 MB. It goes to WeChat and can be sent to the visitor of this conversation for
/// three days; it is kept with the conversation. To upload is not to write: it claims nothing.
#[utoipa::path(
    post,
    path = "/api/conversations/{cid}/uploads",
    operation_id = "uploadPicture",
    tag = "messages",
    params(ConversationPath),
    request_body(content = inline(PictureFile), content_type = "application/octet-stream"),
    responses((status = 201, description = "The picture.", body = UploadedPicture)),
)]
async fn upload(
    State(services): State<Services>,
    permitted: Permitted,
    Binary(bytes): Binary<MAX_IMAGE>,
) -> Result<Created<UploadedPicture>, Problem> {
    let conversation = permitted.conversation();
    if !conversation.is_open() {
        return Err(Problem::conversation_closed());
    }
    let Some(kind) = ImageKind::of(&bytes).filter(|kind| kind.is_sendable()) else {
        return Err(Problem::new(422, Code::PictureWrongType, "The file is no PNG, JPEG or GIF."));
    };
    let uploaded = Box::pin(services.pictures.upload(&conversation.thread(), kind, bytes.into())).await;
    let uploaded = uploaded.map_err(problem)?.ok_or_else(|| Problem::not_found("conversation"))?;
    let (media_id, content_type, size) = (uploaded.media_id, uploaded.content_type, uploaded.size);
    Ok(Created(UploadedPicture { media_id, content_type, size }))
}

/// Get the picture of a message
///
/// That of an image from or to the visitor, or the cover of a card, at most 4 MB. Pictures of visitors are kept with their messages; one
/// that was sent by its address or by a media id of another system is there for three days, as WeChat has it.
#[utoipa::path(
    get,
    path = "/api/conversations/{cid}/messages/{id}/media",
    operation_id = "getMessageMedia",
    tag = "messages",
    params(MessagePath),
    responses((status = 200, description = "The file.", body = inline(PictureFile), content_type = "image/*")),
)]
async fn media(
    State(services): State<Services>,
    permitted: Permitted,
    Path(MessagePath { id, .. }): Path<MessagePath>,
) -> Result<Response, Problem> {
    let conversation = permitted.conversation();
    let message = services.store.threads.message(&conversation.thread(), &id).await?;
    let message = message.filter(|message| message.cid.as_ref() == Some(&conversation.cid));
    let message = message.ok_or_else(|| Problem::not_found("message"))?;
    let picture = Box::pin(services.pictures.of_message(&message, SHOWN_MAX)).await.map_err(problem)?;
    let mut response = picture.bytes.into_response();
    for (name, value) in [
        (header::CONTENT_TYPE, picture.kind.content_type()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_DISPOSITION, "inline"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        // A message does not change; the browser of one person may keep it for as long as their session.
        (header::CACHE_CONTROL, "private, max-age=43200, immutable"),
        (header::VARY, "authorization"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

fn problem(error: PictureError) -> Problem {
    match error {
        PictureError::None => Problem::not_found("picture"),
        PictureError::TooLarge => {
            let detail = "The picture is larger than the 4 MB that an answer may have.";
            Problem::new(422, Code::MediaTooLarge, detail)
        }
        PictureError::Store(error) => error.into(),
        PictureError::WeChat(error) => Problem::unsent(&error.failure()),
    }
}
