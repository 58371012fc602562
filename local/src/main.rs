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
    #[arg(long, value_name = "TOKEN")]
    admin_token: Option<String>,
    /// Another host name by which the API may be called, as that of a tunnel; repeatable
    #[arg(long, value_name = "NAME[:PORT]")]
    allow_host: Vec<String>,
    /// Base URL of a WeChat API to call instead of the simulated one; the real one is <https://api.weixin.qq.com>
    #[arg(long, value_name = "URL")]
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
        admin_token: arguments.admin_token.or_else(|| std::env::var("KEFU_ADMIN_TOKEN").ok()),
        wechat_api: arguments.wechat_api,
        demo: !arguments.no_demo,
        schedules: Schedules::Timer,
        streams: Streams::Automatic,
        ..Options::default()
    })
    .await?;
    // A closed standard output does not stop the bundle.
    let _ = write!(std::io::stdout(), "{}", banner(&bundle, &data));
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    bundle.shutdown().await;
    Ok(())
}

/// The folder `.kefu` beside the template, independent of the current directory.
fn default_data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name(".kefu")
}

fn banner(bundle: &Bundle, data: &Path) -> String {
    let wechat = match bundle.phone_url() {
        Some(url) => format!("  Phone 手机        {url}\n"),
        None => format!("  WeChat 微信       {}\n", bundle.wechat_url()),
    };
    format!(
        "\nKefu 客服\n  API 接口          {}\n  Admin token 令牌  {}\n{wechat}  Data 数据         {}\n\nCtrl-C ends it 退出\n",
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
