//! The body of a robot's response: its size limit and its content encoding (RFC 9110, section 8.4).

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};

use crate::Failure;

/// The largest response body, in bytes, after decompression.
pub const MAX_BODY: usize = 64 * 1024;
/// The same for a stream of server-sent events, which repeat some 300 bytes for each token.
const MAX_STREAM: usize = 1024 * 1024;
/// The content encodings that [`read`] knows.
pub(crate) const ENCODINGS: &str = "gzip, deflate";

/// The end of a stream of completions.
const DONE: &[u8] = b"[DONE]";

/// Reads the body of a response.
pub(crate) async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, Failure> {
    let header = |name| {
        let value = response.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_ascii_lowercase()
    };
    let (encoding, is_stream) = (header(CONTENT_ENCODING), header(CONTENT_TYPE).starts_with("text/event-stream"));
    let limit = if is_stream { MAX_STREAM } else { MAX_BODY };
    if response.content_length().is_some_and(|length| usize::try_from(length).map_or(true, |length| length > limit)) {
        return Err(Failure::TooLarge);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| Failure::Unreachable)? {
        if body.len() + chunk.len() > limit {
            return Err(Failure::TooLarge);
        }
        body.extend_from_slice(&chunk);
        // Some servers leave the connection open after it.
        if is_stream && body.trim_ascii_end().ends_with(DONE) {
            break;
        }
    }
    decode(&encoding, body, limit)
}

/// The body without its encodings, at most `limit` bytes.
fn decode(encodings: &str, mut body: Vec<u8>, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut is_compressed = false;
    for encoding in encodings.rsplit(',').map(str::trim) {
        body = match encoding {
            "" | "identity" => body,
            "gzip" | "x-gzip" => inflate(MultiGzDecoder::new(&*body), limit)?,
            // Some servers send it without the header of zlib.
            "deflate" => match inflate(ZlibDecoder::new(&*body), limit) {
                Err(Failure::Malformed) => inflate(DeflateDecoder::new(&*body), limit)?,
                inflated => inflated?,
            },
            _ => return Err(Failure::Malformed),
        };
        is_compressed |= !matches!(encoding, "" | "identity");
    }
    // Some proxies compress and do not say so.
    if !is_compressed && body.starts_with(&[0x1f, 0x8b]) {
        return inflate(MultiGzDecoder::new(&*body), limit);
    }
    Ok(body)
}

fn inflate(decoder: impl Read, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut inflated = Vec::new();
    let longest = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    decoder.take(longest).read_to_end(&mut inflated).map_err(|_| Failure::Malformed)?;
    if inflated.len() > limit { Err(Failure::TooLarge) } else { Ok(inflated) }
}

#[cfg(test)]
mod tests {
    use flate2::{
        Compression,
        read::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };

    use super::*;

    fn all(mut reader: impl Read) -> Vec<u8> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn encoded_body_is_decoded() {
        let text = "支持七天无理由退货".as_bytes();
        let gzip = all(GzEncoder::new(text, Compression::fast()));
        for (encoding, body) in [
            ("", text.to_vec()),
            ("identity", text.to_vec()),
            ("gzip", gzip.clone()),
            ("x-gzip", gzip.clone()),
            ("identity, gzip", gzip.clone()),
            ("", gzip.clone()),
            ("gzip, gzip", all(GzEncoder::new(&*gzip, Compression::fast()))),
            ("deflate", all(ZlibEncoder::new(text, Compression::fast()))),
            ("deflate", all(DeflateEncoder::new(text, Compression::fast()))),
        ] {
            assert_eq!(decode(encoding, body, 100).unwrap(), text, "{encoding}");
        }
    }

    #[test]
    fn unreadable_or_inflated_body_is_refused() {
        let bomb = all(GzEncoder::new(std::io::repeat(b' ').take(10_000_000), Compression::fast()));
        assert!(bomb.len() < MAX_BODY);
        assert_eq!(decode("gzip", bomb.clone(), MAX_BODY), Err(Failure::TooLarge));
        assert_eq!(decode("gzip", bomb[..bomb.len() / 2].to_vec(), usize::MAX), Err(Failure::Malformed));
        assert_eq!(decode("br", b"{}".to_vec(), MAX_BODY), Err(Failure::Malformed));
        assert_eq!(decode("gzip", b"{}".to_vec(), MAX_BODY), Err(Failure::Malformed));
        assert_eq!(decode("deflate", b"{}".to_vec(), MAX_BODY), Err(Failure::Malformed));
    }
}
