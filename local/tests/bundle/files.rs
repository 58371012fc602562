//! The files of a bundle, and their modes.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use local::Options;

use super::directory;

/// The mode of a file or folder.
fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn folder_that_was_there_before_keeps_its_mode_and_its_files() {
    let directory = directory("existing");
    std::fs::create_dir(&directory).unwrap();
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o755)).unwrap();
    let options = |fresh| Options { data: Some(directory.clone()), fresh, ..Options::default() };
    for name in ["secrets.json", "secrets.new"] {
        let foreign = directory.join(name);
        std::fs::write(&foreign, "not ours").unwrap();
        std::fs::set_permissions(&foreign, std::fs::Permissions::from_mode(0o644)).unwrap();
        for (fresh, reason) in [(true, "was not made by kefu"), (false, "files of another program")] {
            let refused = local::start(options(fresh)).await.unwrap_err().to_string();
            assert!(refused.contains(reason), "{refused}");
            assert_eq!(std::fs::read_to_string(&foreign).unwrap(), "not ours");
            assert_eq!(mode(&foreign), 0o644);
        }
        std::fs::remove_file(foreign).unwrap();
    }
    local::start(options(true)).await.unwrap().shutdown().await;
    assert_eq!(mode(&directory), 0o755);
    let token = std::fs::read_to_string(directory.join("admin-token.json")).unwrap();
    local::start(options(true)).await.unwrap_err();
    assert_eq!(std::fs::read_to_string(directory.join("admin-token.json")).unwrap(), token);
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn files_can_be_read_by_their_user_only() {
    let directory = directory("modes");
    let options = || Options { data: Some(directory.clone()), demo: true, ..Options::default() };
    let bundle = local::start(options()).await.unwrap();
    assert_eq!(mode(&directory), 0o700);
    let files = || std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    // Also the write-ahead log, which SQLite has while the bundle runs.
    for file in files() {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    bundle.shutdown().await;
    let names = ["table.sqlite", "secrets.json", "admin-token.json", "demo.json", "wechat.json"];
    assert!(names.iter().all(|name| directory.join(name).exists()), "{:?}", files());
    for file in files() {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    std::fs::remove_dir_all(directory).unwrap();
}
