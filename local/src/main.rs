//! `cargo run -p local`: the whole bundle on this machine, with a simulated WeChat.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use local::{Bundle, LocalError, Options, Schedules, Streams};
use tracing_subscriber::EnvFilter;

/// Serves Kefu on this machine, with a simulated WeChat and its phone
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Port of the API; the simulated WeChat takes the next one
    #[arg(long, default_value_t = 3000, value_parser = clap::value_parser!(u16).range(1..65535))]
    port: u16,
    /// Folder for all data [default: .kefu beside template.yaml]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Delete the existing data first
    #[arg(long)]
    fresh: bool,
    /// API token of the admin [default: `KEFU_ADMIN_TOKEN`, or generated once and saved]. Other users of the machine can see the
    /// arguments of a process, but not its environment variables
    #[arg(long, value_name = "TOKEN", env = "KEFU_ADMIN_TOKEN", hide_env = true, value_parser = admin_token)]
    admin_token: Option<String>,
    /// Another host name by which the API may be called, as that of a tunnel; repeatable
    #[arg(long, value_name = "NAME[:PORT]")]
    allow_host: Vec<String>,
    /// Base URL of a WeChat API to call instead of the simulated one; the real one is <https://api.weixin.qq.com>
    #[arg(long, value_name = "URL", value_parser = wechat_api)]
    wechat_api: Option<String>,
    /// Do not bind the demo mini program
    #[arg(long)]
    no_demo: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    init_logs();
    match serve(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> Result<(), LocalError> {
    let data = arguments.data.unwrap_or_else(default_data);
    let bundle = local::start(Options {
        port: arguments.port,
        data: Some(data.clone()),
        fresh: arguments.fresh,
        allowed_hosts: arguments.allow_host,
        admin_token: arguments.admin_token,
        wechat_api: arguments.wechat_api,
        demo: !arguments.no_demo,
        schedules: Schedules::Timer,
        streams: Streams::Automatic,
        ..Options::default()
    })
    .await?;
    // A closed standard output does not stop the bundle.
    let address = if bundle.has_console() { Some(bundle.start_url().await?) } else { None };
    let _ = write!(std::io::stdout(), "{}", banner(&bundle, &data, address.as_deref()));
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    bundle.shutdown().await;
    Ok(())
}

/// An admin token can be sent in an `Authorization` header as it is. It is not in the message: others may read it.
fn admin_token(text: &str) -> Result<String, &'static str> {
    let is_token = (1..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_token {
        Ok(text.to_owned())
    } else {
        Err("an admin token has 1 to 256 ASCII characters, none of them a blank")
    }
}

fn wechat_api(text: &str) -> Result<String, &'static str> {
    let is_base = |url: &url::Url| {
        matches!(url.scheme(), "http" | "https")
            && (url.username().is_empty() && url.password().is_none())
            && (url.query().is_none() && url.fragment().is_none())
    };
    match url::Url::parse(text) {
        Ok(url) if is_base(&url) => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("it must be an http or https address without a query, such as https://api.weixin.qq.com"),
    }
}

/// The folder `.kefu` beside the template, independent of the current directory.
fn default_data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name(".kefu")
}

fn banner(bundle: &Bundle, data: &Path, address: Option<&str>) -> String {
    let address = address.map(|url| {
        format!("  {url}\n  The workbench, signed in, and a phone. Opens once, within 10 minutes. 工作台（已登录）和手机，十分钟内打开一次。\n\n")
    });
    let wechat = match bundle.phone_url() {
        Some(url) => format!("  Phones 手机       {url}\n"),
        None => format!("  WeChat 微信       {}\n", bundle.wechat_url()),
    };
    format!(
        "\nKefu 客服\n\n{}  API, 工作台       {}\n  Admin token 令牌  {}\n{wechat}  Data 数据         {}\n\nCtrl-C ends it 退出\n",
        address.unwrap_or_default(),
        bundle.api_url(),
        bundle.admin_token(),
        data.display(),
    )
}

/// Logs warnings and errors to standard error. `RUST_LOG=info` logs more.
fn init_logs() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,dynoxide=error"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .compact()
        .init();
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;

    fn refused(arguments: &[&str]) -> Option<ErrorKind> {
        Arguments::try_parse_from([&["local"], arguments].concat()).err().map(|error| error.kind())
    }

    #[test]
    fn admin_token_that_no_header_can_hold_is_refused_at_start() {
        for token in ["", " ", "a b", "令牌", "a\n", &"a".repeat(257)] {
            assert_eq!(refused(&["--admin-token", token]), Some(ErrorKind::ValueValidation), "{token:?}");
        }
        assert_eq!(refused(&["--admin-token", "a-token_1=="]), None);
    }

    #[test]
    fn wechat_api_that_is_no_web_address_is_refused_at_start() {
        for url in ["", "ftp://x", "x", "https://", "file:///x", "https://u:p@x", "https://x?y=z", "https://x#y"] {
            assert_eq!(refused(&["--wechat-api", url]), Some(ErrorKind::ValueValidation), "{url:?}");
        }
        assert_eq!(wechat_api("https://api.weixin.qq.com/"), Ok("https://api.weixin.qq.com".to_owned()));
        assert_eq!(refused(&["--wechat-api", "http://127.0.0.1:3001"]), None);
    }
}
