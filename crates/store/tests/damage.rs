//! Databases that are newer, torn, cut, emptied or altered: refused with the file and the way out, or mended.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs::{self, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use ovo_store::conformance::fixture;
use ovo_store::embedded::STORE_FORMAT_VERSION;
use ovo_store::{Embedded, EmbeddedOptions, Freshness, ObjectKey, Store, StoreError, SystemClock};
use redb::ReadableDatabase as _;

const TABLE: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new("nodes");

fn key() -> ObjectKey {
    ObjectKey::new("video", "demo")
}

fn open(folder: &Path) -> Result<Embedded, StoreError> {
    let options = EmbeddedOptions::new(folder.join("store.redb"), folder.join("secrets"));
    Embedded::open(options, SystemClock)
}

/// A folder with a store that holds a cluster and ten nodes.
async fn filled() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    common::apply(&store, fixture::cluster(&key()))
        .await
        .unwrap();
    for number in 0..10 {
        let node = fixture::node(&key(), &format!("w{number}"));
        store.create_node(node).await.unwrap();
    }
    let file = folder.path().join("store.redb");
    (folder, file)
}

async fn count(store: &Embedded) -> usize {
    store.nodes(&key(), Freshness::Live).await.unwrap().len()
}

/// Everything in the folder.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut contents: Vec<_> = files
        .map(|file| (file.clone(), fs::read(file).unwrap()))
        .collect();
    contents.sort();
    contents
}

#[tokio::test]
async fn what_was_stored_is_there_after_a_restart() {
    let (folder, _) = filled().await;
    let store = open(folder.path()).unwrap();
    assert_eq!(count(&store).await, 10);
    let cluster = store
        .cluster(&key(), Freshness::Live)
        .await
        .unwrap()
        .unwrap();
    let last: u64 = cluster
        .metadata
        .resource_version
        .as_ref()
        .unwrap()
        .parse()
        .unwrap();
    let node = store
        .create_node(fixture::node(&key(), "w10"))
        .await
        .unwrap();
    let next: u64 = node
        .metadata
        .resource_version
        .as_ref()
        .unwrap()
        .parse()
        .unwrap();
    assert!(
        next > last + 10,
        "versions go on: {next} after {last} and ten nodes"
    );
}

#[tokio::test]
async fn a_newer_database_is_refused_and_not_touched() {
    let (folder, _) = filled().await;
    let newer = STORE_FORMAT_VERSION + 1;
    fs::write(folder.path().join("store.format"), format!("{newer}\n")).unwrap();
    let before = contents(folder.path());
    let error = open(folder.path()).unwrap_err();
    assert!(
        matches!(error, StoreError::FormatTooNew { .. }),
        "{error:?}"
    );
    let told = error.to_string();
    assert!(
        told.contains("store.redb") && told.contains("run the release that wrote it"),
        "{told}"
    );
    assert_eq!(contents(folder.path()), before);
}

#[tokio::test]
async fn the_database_tells_its_format_itself_too() {
    let (folder, file) = filled().await;
    let meta: redb::TableDefinition<'_, &str, u64> = redb::TableDefinition::new("meta");
    let database = redb::Database::open(&file).unwrap();
    let write = database.begin_write().unwrap();
    write
        .open_table(meta)
        .unwrap()
        .insert("formatVersion", STORE_FORMAT_VERSION + 1)
        .unwrap();
    write.commit().unwrap();
    drop(database);
    let error = open(folder.path()).unwrap_err();
    assert!(
        matches!(error, StoreError::FormatTooNew { .. }),
        "{error:?}"
    );
}

/// Nobody writes there but us: what is appended tells that something else is wrong, and cutting it off by ourselves
/// could cut off more. The file stays as it is, so nothing is lost.
#[tokio::test]
async fn garbage_after_the_end_is_refused_and_the_file_is_kept() {
    let (folder, file) = filled().await;
    let healthy = fs::read(&file).unwrap();
    let mut database = OpenOptions::new().append(true).open(&file).unwrap();
    database.write_all(&[0xa5; 10_000]).unwrap();
    drop(database);
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
    assert!(error.to_string().contains("store.redb"), "{error}");
    assert!(fs::read(&file).unwrap().starts_with(&healthy));
    fs::write(&file, &healthy).unwrap();
    assert_eq!(count(&open(folder.path()).unwrap()).await, 10);
}

#[tokio::test]
async fn a_cut_database_is_refused_with_the_way_out() {
    let (folder, file) = filled().await;
    let length = fs::metadata(&file).unwrap().len();
    for cut in [length / 2, 4096, 100] {
        OpenOptions::new()
            .write(true)
            .open(&file)
            .unwrap()
            .set_len(cut)
            .unwrap();
        let error = open(folder.path()).unwrap_err();
        assert!(
            matches!(error, StoreError::Corrupt(_)),
            "cut at {cut}: {error:?}"
        );
        let told = error.to_string();
        assert!(
            told.contains("store.redb") && told.contains("put back a copy"),
            "{told}"
        );
        assert!(told.contains("infrastructure-id"), "{told}");
    }
}

#[tokio::test]
async fn a_lost_or_emptied_database_is_not_taken_for_a_new_one() {
    let (folder, file) = filled().await;
    for lose in [
        |f: &Path| fs::write(f, "").unwrap(),
        |f: &Path| fs::remove_file(f).unwrap(),
    ] {
        lose(&file);
        let error = open(folder.path()).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
        assert!(
            error.to_string().contains("put a copy of it back"),
            "{error}"
        );
    }
    // The way out that the message names.
    fs::remove_file(folder.path().join("store.format")).unwrap();
    assert_eq!(count(&open(folder.path()).unwrap()).await, 0);
}

#[tokio::test]
async fn what_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("store.redb"), "this is a text").unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
}

/// Any flipped byte either changes nothing that is read, or is refused: never a panic, never another value.
#[tokio::test]
async fn an_altered_database_is_never_trusted() {
    let (folder, file) = filled().await;
    let healthy = fs::read(&file).unwrap();
    let mut refused = 0;
    // A step that is prime to the size of pages and sectors meets every place in them.
    for at in (0..healthy.len()).step_by(509) {
        let mut database = OpenOptions::new().write(true).open(&file).unwrap();
        database.seek(SeekFrom::Start(at as u64)).unwrap();
        database.write_all(&[healthy[at] ^ 0xff]).unwrap();
        drop(database);
        match open(folder.path()) {
            Ok(store) => assert_eq!(count(&store).await, 10, "byte {at}"),
            Err(error) => {
                refused += 1;
                assert!(
                    error.to_string().contains("store.redb"),
                    "byte {at}: {error:?}"
                );
            }
        }
        fs::write(&file, &healthy).unwrap();
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn one_unreadable_record_stops_only_its_own_cluster() {
    let (folder, file) = filled().await;
    let other = key().sibling("other");
    let store = open(folder.path()).unwrap();
    common::apply(&store, fixture::cluster(&other))
        .await
        .unwrap();
    store
        .create_node(fixture::node(&other, "w1"))
        .await
        .unwrap();
    drop(store);
    let database = redb::Database::open(&file).unwrap();
    let write = database.begin_write().unwrap();
    write
        .open_table(TABLE)
        .unwrap()
        .insert("video/demo-w3", b"{broken".as_slice())
        .unwrap();
    write.commit().unwrap();
    drop(database);

    let store = open(folder.path()).unwrap();
    let error = store.nodes(&key(), Freshness::Live).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
    assert!(error.to_string().contains("video/demo-w3"), "{error}");
    let again = store
        .create_node(fixture::node(&key(), "w3"))
        .await
        .unwrap_err();
    assert!(matches!(again, StoreError::Corrupt(_)), "{again:?}");
    assert_eq!(store.nodes(&other, Freshness::Live).await.unwrap().len(), 1);
    assert_eq!(store.unreadable().len(), 1);
    drop(store);
    let database = redb::Database::open(&file).unwrap();
    let read = database.begin_read().unwrap();
    let kept = read.open_table(TABLE).unwrap();
    let kept = redb::ReadableTable::get(&kept, "video/demo-w3")
        .unwrap()
        .unwrap();
    assert_eq!(
        kept.value(),
        b"{broken",
        "it is kept for whoever can read it"
    );
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let (folder, _) = filled().await;
    let first = open(folder.path()).unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Denied(_)), "{error:?}");
    assert!(
        error.to_string().contains("open in another process"),
        "{error}"
    );
    drop(first);
}
