//! Helpers for tests of a served directory.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ovo_store::conformance::fixture;
use ovo_store::directory::Scan;
use ovo_store::{Directory, Freshness, ObjectKey, Store};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tempfile::TempDir;

/// A moment in 2027.
pub const NOW: i64 = 1_800_000_000_000;

pub fn key(name: &str) -> ObjectKey {
    ObjectKey::new("video", name)
}

pub fn document(name: &str) -> Value {
    fixture::cluster(&key(name))
}

pub fn write(folder: &Path, name: &str, documents: &[Value]) {
    let texts: Vec<_> = documents
        .iter()
        .map(|d| serde_json::to_string_pretty(d).unwrap())
        .collect();
    write_text(folder, name, &texts.join("\n---\n"));
}

pub fn write_text(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    chmod(&path, 0o600);
}

pub fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

pub fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    chmod(folder.path(), 0o700);
    folder
}

pub fn open(folder: &Path) -> Directory {
    Directory::open(folder, || NOW).unwrap()
}

pub fn problems(scan: &Scan) -> Vec<String> {
    scan.problems.iter().map(ToString::to_string).collect()
}

pub async fn value(directory: &Directory, secret: &ObjectKey, name: &str) -> Option<String> {
    let secret = directory
        .store()
        .secret(secret, Freshness::Live)
        .await
        .unwrap()?;
    Some(secret.text(name)?.expose_secret().to_owned())
}
