//! Texts as WeChat takes them: their characters, their length limit, and where a long text is divided.

mod clean;
mod split;
mod units;

pub use clean::{clean, clean_line, is_blank};
pub use split::{SplitRule, split};
pub use units::{head, sentence_end};

/// The longest text that WeChat accepts as one message, in bytes of UTF-8. WeChat refuses a longer one with 45002. Its page
/// 发送客服消息 gives no limit; this one is reported by users.
pub const MAX_TEXT: usize = 2048;
