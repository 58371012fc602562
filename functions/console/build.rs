//! Builds the console's page (the folder `console`) and writes a table of its files, which the crate embeds.
//!
//! Everything happens in a copy under `OUT_DIR`: a build script writes nowhere else, two target folders may build at once, and
//! `npm ci` would remove the packages of a developer who has `npm run dev` open. Cargo runs this again only if an input changed.
//! `KEFU_CONSOLE_DIST` names a page that was built elsewhere, for machines without Node.js or network.

// A build script reports by its standard output.
#![allow(clippy::print_stdout)]

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

/// What the page is built from, in the folder `console`. Tests and lints of the page are not among it.
const INPUTS: [&str; 8] =
    ["src", "public", "index.html", "package.json", "package-lock.json", "vite.config.ts", "tsconfig.json", ".npmrc"];

/// The lowest version of Node.js that Vite runs on.
const NODE: (u32, u32) = (20, 19);

const ELSEWHERE: &str = "With a page built elsewhere, set KEFU_CONSOLE_DIST to its dist folder.";

fn main() {
    if let Err(error) = run() {
        for line in error.lines() {
            println!("cargo::error={line}");
        }
    }
}

fn run() -> Result<(), String> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=KEFU_CONSOLE_DIST");
    let dist = if let Some(dist) = env::var_os("KEFU_CONSOLE_DIST") {
        println!("cargo::rerun-if-changed={}", Path::new(&dist).display());
        PathBuf::from(dist)
    } else {
        let description = repository.join("functions/desk-api/openapi.json");
        for input in INPUTS {
            println!("cargo::rerun-if-changed={}", repository.join("console").join(input).display());
        }
        println!("cargo::rerun-if-changed={}", description.display());
        build_page(&repository.join("console"), &description, &out)?
    };
    write_table(&dist, &out.join("files.rs"))
}

/// Builds the page in `out` and returns the folder of its files.
fn build_page(source: &Path, description: &Path, out: &Path) -> Result<PathBuf, String> {
    check_node()?;
    // As in the repository, because the script `types` names the description by its path.
    let page = out.join("page/console");
    let copied = out.join("page/functions/desk-api/openapi.json");
    for input in INPUTS {
        replace(&source.join(input), &page.join(input))?;
    }
    replace(description, &copied)?;
    install(&page)?;
    npm(&page, &["run", "build", "--silent"], "The console's page could not be built.")?;
    Ok(page.join("dist"))
}

fn check_node() -> Result<(), String> {
    let answer = Command::new("node").arg("--version").output();
    let found = answer.ok().filter(|answer| answer.status.success());
    let version = found.map(|answer| String::from_utf8_lossy(&answer.stdout).trim().to_owned());
    if version.as_deref().and_then(parse_version).is_some_and(|version| version >= NODE) {
        return Ok(());
    }
    let found = version.map_or_else(|| "none was found".to_owned(), |version| format!("found: {version}"));
    Err(format!(
        "The console needs Node.js {}.{} or later to be built (https://nodejs.org); {found}. {ELSEWHERE}",
        NODE.0, NODE.1
    ))
}

/// The first two numbers of `v20.19.1`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix('v')?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Installs the packages that the lock file names, unless those of this lock file are installed.
fn install(page: &Path) -> Result<(), String> {
    let lock = read(&page.join("package-lock.json"))?;
    let installed = page.join("node_modules/.kefu-lock");
    if fs::read(&installed).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let arguments =
        ["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
    let registry = Command::new(npm_program()).args(["config", "get", "registry"]).current_dir(page).output();
    let registry =
        registry.map_or_else(|_| String::new(), |answer| String::from_utf8_lossy(&answer.stdout).trim().to_owned());
    npm(page, &arguments, &format!("The console's packages could not be installed from {registry}. {ELSEWHERE}"))?;
    fs::write(&installed, lock).map_err(|error| cause(&installed, &error))
}

fn npm_program() -> &'static str {
    if cfg!(windows) { "npm.cmd" } else { "npm" }
}

/// Runs npm. What it says goes into the error.
fn npm(page: &Path, arguments: &[&str], failure: &str) -> Result<(), String> {
    let answer = Command::new(npm_program())
        .args(arguments)
        .current_dir(page)
        .stdin(Stdio::null())
        // A developer's NODE_ENV or color settings do not change what is built.
        .env_remove("NODE_ENV")
        .env("NO_COLOR", "1")
        .output()
        .map_err(|error| format!("{failure}\nnpm: {error}"))?;
    if answer.status.success() {
        return Ok(());
    }
    let said = [answer.stdout, answer.stderr].concat();
    Err(format!("{failure}\n{}", String::from_utf8_lossy(&said).trim()))
}

/// Makes `to` a copy of `from`, file or folder. Files that are equal keep their time.
fn replace(from: &Path, to: &Path) -> Result<(), String> {
    if from.is_dir() {
        fs::create_dir_all(to).map_err(|error| cause(to, &error))?;
        let wanted = names(from)?;
        for name in names(to)? {
            if !wanted.contains(&name) {
                remove(&to.join(name))?;
            }
        }
        return wanted.iter().try_for_each(|name| replace(&from.join(name), &to.join(name)));
    }
    let bytes = read(from)?;
    if fs::read(to).is_ok_and(|known| known == bytes) {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(|error| cause(folder, &error))?;
    }
    fs::write(to, bytes).map_err(|error| cause(to, &error))
}

fn remove(path: &Path) -> Result<(), String> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.map_err(|error| cause(path, &error))
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(folder).map_err(|error| cause(folder, &error))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| cause(folder, &error))?.file_name();
        names.push(name.into_string().map_err(|name| not_unicode(&folder.join(name)))?);
    }
    names.sort();
    Ok(names)
}

/// Writes the table of the files of a page: path, bytes, their brotli twin, and the `ETag`, sorted by path.
fn write_table(dist: &Path, to: &Path) -> Result<(), String> {
    let dist = fs::canonicalize(dist).map_err(|error| cause(dist, &error))?;
    let mut paths = Vec::new();
    list(&dist, "", &mut paths)?;
    if !paths.iter().any(|path| path == "/index.html") {
        return Err(format!("{} has no index.html", dist.display()));
    }
    let mut table = String::from("&[\n");
    for path in paths.iter().filter(|path| Path::new(path).extension() != Some("br".as_ref())) {
        let file = dist.join(&path[1..]);
        let twin = format!("{path}.br");
        let brotli = if paths.contains(&twin) {
            format!("Some({})", include(&dist.join(&twin[1..]))?)
        } else {
            "None".to_owned()
        };
        let (bytes, hash) = (include(&file)?, Sha256::digest(read(&file)?));
        let etag = hash[..12].iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        let etag = format!("\"{etag}\"");
        let _ = writeln!(table, "    File {{ path: {path:?}, bytes: {bytes}, brotli: {brotli}, etag: {etag:?} }},");
    }
    table.push(']');
    fs::write(to, table).map_err(|error| cause(to, &error))
}

/// The expression that embeds a file.
fn include(file: &Path) -> Result<String, String> {
    let path = file.to_str().ok_or_else(|| not_unicode(file))?;
    Ok(format!("include_bytes!({path:?})"))
}

/// Collects the files of a folder as absolute paths of the page.
fn list(folder: &Path, prefix: &str, paths: &mut Vec<String>) -> Result<(), String> {
    for name in names(folder)? {
        let (file, path) = (folder.join(&name), format!("{prefix}/{name}"));
        if file.is_dir() { list(&file, &path, paths)? } else { paths.push(path) }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| cause(path, &error))
}

fn not_unicode(path: &Path) -> String {
    format!("{}: the path is not Unicode", path.display())
}

fn cause(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}
