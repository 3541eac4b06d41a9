//! A served directory: manifests, Secrets, the lock.
#![allow(clippy::unwrap_used)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ovo_store::conformance::fixture::{self, with, without};
use ovo_store::directory::Scan;
use ovo_store::{Directory, Freshness, ObjectKey, SecretObject, Store, StoreError};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A moment in 2027.
const NOW: i64 = 1_800_000_000_000;

fn key(name: &str) -> ObjectKey {
    ObjectKey::new("video", name)
}

fn document(name: &str) -> Value {
    fixture::cluster(&key(name))
}

fn write(folder: &Path, name: &str, documents: &[Value]) {
    let texts: Vec<_> = documents
        .iter()
        .map(|d| serde_json::to_string_pretty(d).unwrap())
        .collect();
    write_text(folder, name, &texts.join("\n---\n"));
}

fn write_text(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    chmod(&path, 0o600);
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    chmod(folder.path(), 0o700);
    folder
}

fn open(folder: &Path) -> Directory {
    Directory::open(folder, || NOW).unwrap()
}

fn problems(scan: &Scan) -> Vec<String> {
    scan.problems.iter().map(ToString::to_string).collect()
}

async fn paused(directory: &Directory, name: &str) -> Option<bool> {
    let cluster = directory
        .store()
        .cluster(&key(name), Freshness::Live)
        .await
        .unwrap();
    cluster.and_then(|cluster| cluster.spec.paused)
}

async fn value(directory: &Directory, secret: &ObjectKey, name: &str) -> Option<String> {
    let secret = directory
        .store()
        .secret(secret, Freshness::Live)
        .await
        .unwrap()?;
    Some(secret.text(name)?.expose_secret().to_owned())
}

#[tokio::test]
async fn manifests_become_clusters_and_change_with_them() {
    let folder = folder();
    write(
        folder.path(),
        "two.yaml",
        &[document("one"), document("two")],
    );
    write(folder.path(), "notes.txt", &[json!("no manifest")]);
    let directory = open(folder.path());
    let scan = directory.rescan().await;
    assert_eq!(problems(&scan), [""; 0]);
    assert_eq!(scan.created, [key("one"), key("two")]);
    assert_eq!(
        directory.store().clusters().await.unwrap(),
        [key("one"), key("two")]
    );

    let writes = directory.store().writes();
    assert_eq!(directory.rescan().await, Scan::default());
    assert_eq!(
        directory.store().writes(),
        writes,
        "the same files again are no write"
    );

    let changed = with(document("one"), "/spec/paused", json!(true));
    write(folder.path(), "two.yaml", &[changed, document("two")]);
    let scan = directory.rescan().await;
    assert_eq!(scan.changed, [key("one")]);
    assert_eq!(paused(&directory, "one").await, Some(true));
}

#[tokio::test]
async fn an_error_names_file_line_and_field_and_stops_nobody_else() {
    let folder = folder();
    let text = serde_json::to_string_pretty(&document("bad")).unwrap();
    let bad = text.replace(
        "\"topology\": \"HighAvailability\"",
        "\"topology\": \"Highest\"",
    );
    let line = bad
        .lines()
        .position(|line| line.contains("Highest"))
        .unwrap()
        + 1;
    let good = serde_json::to_string_pretty(&document("good")).unwrap();
    write_text(folder.path(), "a.yaml", &format!("{bad}\n---\n{good}"));
    write_text(folder.path(), "b.yaml", "spec: [unclosed");
    write(folder.path(), "c.yaml", &[document("other")]);
    let three = without(document("three"), "/spec/infrastructure/onPrem/machines");
    write(folder.path(), "d.yaml", &[three]);
    let directory = open(folder.path());
    let scan = directory.rescan().await;
    assert_eq!(scan.created, [key("good"), key("other")]);
    let told = problems(&scan);
    let prefix = format!("a.yaml:{line}: spec.topology: ");
    assert!(told.iter().any(|p| p.starts_with(&prefix)), "{told:#?}");
    assert!(
        told.iter().any(|p| p.starts_with("b.yaml:1: ")),
        "{told:#?}"
    );
    assert!(
        told.iter()
            .any(|p| p.starts_with("d.yaml:") && p.contains("machines")),
        "{told:#?}"
    );
    assert_eq!(scan.news, scan.problems);
    assert_eq!(
        directory.rescan().await.news,
        [],
        "the same problems are told once"
    );
}

#[tokio::test]
async fn what_was_good_last_stays_in_force() {
    let folder = folder();
    write(folder.path(), "a.yaml", &[document("one")]);
    let directory = open(folder.path());
    directory.rescan().await;
    for broken in ["{not yaml", "kind: Unknown\napiVersion: v1\n", ""] {
        write_text(folder.path(), "a.yaml", broken);
        let scan = directory.rescan().await;
        assert_eq!(scan.vanished, [], "{broken:?}");
        assert_eq!(scan.problems[0].clusters, [key("one")], "{broken:?}");
        assert!(
            scan.problems[0]
                .to_string()
                .contains("what was good last stays in force for video/one")
        );
        assert_eq!(directory.store().clusters().await.unwrap(), [key("one")]);
    }
    // A rule that only the store knows: four masters.
    let three = with(
        document("one"),
        "/spec/infrastructure/onPrem/machines/0/role",
        json!("Media"),
    );
    write(folder.path(), "a.yaml", &[three]);
    let scan = directory.rescan().await;
    assert_eq!(scan.problems[0].clusters, [key("one")]);
    assert_eq!(directory.store().clusters().await.unwrap(), [key("one")]);

    // Also over a restart, when nobody remembers the good version but the records.
    write_text(folder.path(), "a.yaml", "{not yaml");
    drop(directory);
    let directory = open(folder.path());
    let scan = directory.rescan().await;
    assert_eq!(
        (scan.vanished, scan.problems[0].clusters.clone()),
        (vec![], vec![key("one")])
    );
    let events = directory.store().events(&key("one"), "OpenViduCluster");
    assert!(
        events
            .iter()
            .all(|event| event.event.reason == "ManifestRefused")
    );
    assert!(!events.is_empty());
}

#[tokio::test]
async fn a_vanished_manifest_deletes_nothing_and_stops_all_writes() {
    let folder = folder();
    write(folder.path(), "a.yaml", &[document("one")]);
    let directory = open(folder.path());
    directory.rescan().await;
    let store = directory.store();
    let node = store
        .create_node(fixture::node(&key("one"), "w1"))
        .await
        .unwrap();

    fs::remove_file(folder.path().join("a.yaml")).unwrap();
    assert_eq!(directory.rescan().await.vanished, [key("one")]);
    assert_eq!(directory.rescan().await.vanished, [], "it is said once");
    assert_eq!(store.events(&key("one"), "OpenViduCluster").len(), 1);
    assert_eq!(store.clusters().await.unwrap(), []);
    assert!(store.list_clusters()[0].unmanaged);

    let cluster = store
        .cluster(&key("one"), Freshness::Live)
        .await
        .unwrap()
        .unwrap();
    let mut changed = ovo_api::OpenViduCluster::clone(&cluster);
    changed.status.get_or_insert_default().summary = "still here".to_owned();
    let version = cluster.metadata.resource_version.clone().unwrap();
    let node_key = ObjectKey::of(&*node);
    let node_version = node.metadata.resource_version.clone().unwrap();
    let refusals = [
        store.replace_cluster_status(&changed).await.map(drop),
        store
            .annotate_cluster(&key("one"), &version, "a", "b")
            .await
            .map(drop),
        store
            .set_cluster_finalizers(&key("one"), &version, vec![])
            .await
            .map(drop),
        store
            .create_node(fixture::node(&key("one"), "w2"))
            .await
            .map(drop),
        store.replace_node_status(&node).await.map(drop),
        store.delete_node(&node_key).await,
        store
            .set_node_finalizers(&node_key, &node_version, vec![])
            .await
            .map(drop),
        store
            .remove_node_annotation(&node_key, &node_version, "a")
            .await
            .map(drop),
    ];
    for refusal in refusals {
        assert!(
            matches!(refusal, Err(StoreError::Unmanaged(_))),
            "{refusal:?}"
        );
    }

    // Put back, it is managed again; a restart in between changes nothing.
    drop(directory);
    let directory = open(folder.path());
    directory.rescan().await;
    assert_eq!(directory.store().clusters().await.unwrap(), []);
    write(folder.path(), "renamed.yaml", &[document("one")]);
    directory.rescan().await;
    assert_eq!(directory.store().clusters().await.unwrap(), [key("one")]);
    directory
        .store()
        .replace_cluster_status(&changed)
        .await
        .unwrap();
}

#[tokio::test]
async fn deletion_by_name_works_without_the_manifest_and_is_not_undone_by_it() {
    let folder = folder();
    write(folder.path(), "a.yaml", &[document("one"), document("two")]);
    let directory = open(folder.path());
    directory.rescan().await;
    let store = directory.store();
    let one = store
        .cluster(&key("one"), Freshness::Live)
        .await
        .unwrap()
        .unwrap();
    let version = one.metadata.resource_version.clone().unwrap();
    let held = vec!["openvidu.io/teardown".to_owned()];
    store
        .set_cluster_finalizers(&key("one"), &version, held)
        .await
        .unwrap();
    write(folder.path(), "a.yaml", &[document("two")]);
    directory.rescan().await;
    assert_eq!(store.clusters().await.unwrap(), [key("two")]);

    // The vanished one is torn down like any other once it is deleted.
    let one = store.delete_cluster(&key("one")).await.unwrap();
    assert_eq!(store.clusters().await.unwrap(), [key("one"), key("two")]);
    let version = one.metadata.resource_version.clone().unwrap();
    store
        .set_cluster_finalizers(&key("one"), &version, vec![])
        .await
        .unwrap();
    assert_eq!(store.clusters().await.unwrap(), [key("two")]);

    // The manifest of the other is still there: it stays deleted until that changes.
    store.delete_cluster(&key("two")).await.unwrap();
    let scan = directory.rescan().await;
    assert_eq!(scan.left_behind, [key("two")]);
    assert!(
        scan.problems[0].to_string().contains("was deleted by name"),
        "{scan:?}"
    );
    drop(directory);
    let directory = open(folder.path());
    directory.rescan().await;
    assert_eq!(directory.store().clusters().await.unwrap(), []);
    write(
        folder.path(),
        "a.yaml",
        &[with(document("two"), "/spec/paused", json!(true))],
    );
    assert_eq!(directory.rescan().await.created, [key("two")]);
}

#[tokio::test]
async fn a_manifest_that_goes_and_comes_back_makes_a_deleted_cluster_anew() {
    let folder = folder();
    write(folder.path(), "a.yaml", &[document("one")]);
    let directory = open(folder.path());
    directory.rescan().await;
    directory.store().delete_cluster(&key("one")).await.unwrap();
    fs::remove_file(folder.path().join("a.yaml")).unwrap();
    assert_eq!(directory.rescan().await.vanished, []);
    write(folder.path(), "a.yaml", &[document("one")]);
    assert_eq!(directory.rescan().await.created, [key("one")]);
}

#[tokio::test]
async fn the_same_cluster_twice_is_told_and_the_first_counts() {
    let folder = folder();
    write(folder.path(), "a.yaml", &[document("one")]);
    write(
        folder.path(),
        "b.yaml",
        &[with(document("one"), "/spec/paused", json!(true))],
    );
    let directory = open(folder.path());
    let scan = directory.rescan().await;
    assert_eq!(scan.problems[0].file, "b.yaml");
    assert!(
        scan.problems[0]
            .message
            .contains("declared in a.yaml:1 already"),
        "{scan:?}"
    );
    assert_eq!(paused(&directory, "one").await, Some(false));
}

#[tokio::test]
async fn secrets_come_from_manifests_and_folders() {
    let folder = folder();
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tls", "namespace": "video"},
        "stringData": {"plain": "one"}, "data": {"encoded": "dHdv"}});
    write(folder.path(), "secret.yaml", &[secret]);
    write_text(folder.path(), "secrets/openvidu/license", "three");
    write_text(folder.path(), "secrets/video/ssh/id", "four");
    let directory = open(folder.path());
    assert_eq!(problems(&directory.rescan().await), [""; 0]);
    assert_eq!(
        value(&directory, &key("tls"), "plain").await.as_deref(),
        Some("one")
    );
    assert_eq!(
        value(&directory, &key("tls"), "encoded").await.as_deref(),
        Some("two")
    );
    let license = ObjectKey::new("default", "openvidu");
    assert_eq!(
        value(&directory, &license, "license").await.as_deref(),
        Some("three")
    );
    assert_eq!(
        value(&directory, &key("ssh"), "id").await.as_deref(),
        Some("four")
    );

    let before = directory
        .store()
        .secret(&key("ssh"), Freshness::Live)
        .await
        .unwrap()
        .unwrap();
    write_text(folder.path(), "secrets/video/ssh/id", "five");
    directory.rescan().await;
    let after = directory
        .store()
        .secret(&key("ssh"), Freshness::Live)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        value(&directory, &key("ssh"), "id").await.as_deref(),
        Some("five")
    );
    assert_eq!(before.metadata.uid, after.metadata.uid);
    assert_ne!(
        before.metadata.resource_version,
        after.metadata.resource_version
    );

    fs::remove_dir_all(folder.path().join("secrets/video")).unwrap();
    directory.rescan().await;
    assert_eq!(value(&directory, &key("ssh"), "id").await, None);
}

#[tokio::test]
async fn secrets_that_others_may_read_are_refused_with_the_way_out() {
    let folder = folder();
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tls", "namespace": "video"},
        "stringData": {"key": "hidden-value"}});
    write(folder.path(), "mixed.yaml", &[secret, document("one")]);
    write_text(folder.path(), "secrets/video/ssh/id", "hidden-value");
    let (mixed, id) = (
        folder.path().join("mixed.yaml"),
        folder.path().join("secrets/video/ssh/id"),
    );
    chmod(&mixed, 0o644);
    chmod(&id, 0o640);
    let directory = open(folder.path());
    let scan = directory.rescan().await;
    let told = problems(&scan).join("\n");
    assert!(
        told.contains(&format!("chmod 600 {}", mixed.display())),
        "{told}"
    );
    assert!(
        told.contains(&format!("chmod 600 {}", id.display())),
        "{told}"
    );
    assert!(!told.contains("hidden-value"));
    assert_eq!(value(&directory, &key("tls"), "key").await, None);
    assert_eq!(value(&directory, &key("ssh"), "id").await, None);
    assert_eq!(scan.created, [key("one")], "the cluster beside it is taken");

    chmod(&mixed, 0o600);
    chmod(&id, 0o400);
    assert_eq!(problems(&directory.rescan().await), [""; 0]);
    assert_eq!(
        value(&directory, &key("tls"), "key").await.as_deref(),
        Some("hidden-value")
    );

    // What was good stays in force when the file is opened to others later.
    chmod(&id, 0o644);
    assert_eq!(directory.rescan().await.problems.len(), 1);
    assert_eq!(
        value(&directory, &key("ssh"), "id").await.as_deref(),
        Some("hidden-value")
    );
}

#[tokio::test]
async fn a_users_secret_is_held_but_not_written() {
    let folder = folder();
    write_text(folder.path(), "secrets/video/ssh/id", "four");
    let directory = open(folder.path());
    directory.rescan().await;
    let store = directory.store();
    let secret = store
        .secret(&key("ssh"), Freshness::Live)
        .await
        .unwrap()
        .unwrap();
    let mut held = SecretObject::clone(&secret);
    held.metadata.finalizers = Some(vec![ovo_api::annotations::IN_USE_FINALIZER.to_owned()]);
    let held = store.update_secret(&held).await.unwrap();
    let mut rewritten = SecretObject::clone(&held);
    rewritten.data.insert("id".to_owned(), "mine".into());
    let refusal = store
        .update_secret(&rewritten)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refusal.contains("it comes from secrets/video/ssh: change it there"),
        "{refusal}"
    );

    drop(directory);
    let directory = open(folder.path());
    directory.rescan().await;
    let read = directory
        .store()
        .secret(&key("ssh"), Freshness::Live)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(read.metadata, held.metadata);
}

#[tokio::test]
async fn generated_secrets_are_private_files_that_survive() {
    let folder = folder();
    let directory = open(folder.path());
    directory.rescan().await;
    let mut secret = SecretObject::named(&key("one-credentials"));
    secret
        .data
        .insert("password".to_owned(), "generated".into());
    secret.metadata.finalizers = Some(vec![ovo_api::annotations::IN_USE_FINALIZER.to_owned()]);
    let made = directory.store().create_secret(secret).await.unwrap();
    let file = folder
        .path()
        .join("secrets/video.one-credentials.generated.json");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let folder_mode = fs::metadata(folder.path().join("secrets"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(folder_mode & 0o777, 0o700);
    directory.rescan().await;
    let mut next = SecretObject::clone(&made);
    next.data.insert("more".to_owned(), "later".into());
    let next = directory.store().update_secret(&next).await.unwrap();

    drop(directory);
    let directory = open(folder.path());
    assert_eq!(problems(&directory.rescan().await), [""; 0]);
    let read = directory
        .store()
        .secret(&key("one-credentials"), Freshness::Live)
        .await
        .unwrap();
    let read = read.unwrap();
    assert_eq!(read.metadata, next.metadata);
    assert_eq!(
        value(&directory, &key("one-credentials"), "password")
            .await
            .as_deref(),
        Some("generated")
    );
    assert_eq!(
        value(&directory, &key("one-credentials"), "more")
            .await
            .as_deref(),
        Some("later")
    );

    // The file alone is lost: the Secret reads as absent, and its record waits for the file to come back.
    let kept = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    directory.rescan().await;
    assert_eq!(
        value(&directory, &key("one-credentials"), "password").await,
        None
    );
    write_text(
        folder.path(),
        "secrets/video.one-credentials.generated.json",
        std::str::from_utf8(&kept).unwrap(),
    );
    directory.rescan().await;
    let back = directory
        .store()
        .secret(&key("one-credentials"), Freshness::Live)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(back.metadata, read.metadata);

    let mut bare = SecretObject::clone(&back);
    bare.metadata.finalizers = None;
    directory.store().update_secret(&bare).await.unwrap();
    directory
        .store()
        .delete_secret(&key("one-credentials"))
        .await
        .unwrap();
    assert!(!file.exists());
}

#[tokio::test]
async fn odd_files_are_told_and_stop_nobody() {
    let folder = folder();
    write(folder.path(), "a.yaml", &[document("one")]);
    fs::write(folder.path().join("b.yaml"), [0xff, 0xfe]).unwrap();
    fs::write(folder.path().join("c.yaml"), vec![b'#'; 2_000_000]).unwrap();
    fs::create_dir(folder.path().join("d.yaml")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("e.yaml")).unwrap();
    fs::write(folder.path().join(".hidden.yaml"), "{").unwrap();
    let long = "# line\n".repeat(5_000) + "nonsense: [";
    fs::write(folder.path().join("f.yaml"), long).unwrap();
    let directory = open(folder.path());
    let scan = directory.rescan().await;
    assert_eq!(scan.created, [key("one")]);
    let files: Vec<_> = scan
        .problems
        .iter()
        .map(|problem| problem.file.as_str())
        .collect();
    assert_eq!(files, ["b.yaml", "c.yaml", "e.yaml", "f.yaml"]);
    assert!(
        scan.problems[3].line.is_some_and(|line| line > 5_000),
        "{:?}",
        scan.problems[3]
    );
}

#[tokio::test]
async fn a_directory_that_goes_away_changes_nothing() {
    let parent = folder();
    let root = parent.path().join("served");
    fs::create_dir(&root).unwrap();
    chmod(&root, 0o700);
    write(&root, "a.yaml", &[document("one")]);
    let directory = open(&root);
    directory.rescan().await;
    fs::rename(&root, parent.path().join("away")).unwrap();
    let scan = directory.rescan().await;
    assert!(
        scan.problems[0]
            .message
            .contains("nothing is changed meanwhile"),
        "{scan:?}"
    );
    assert_eq!(directory.store().clusters().await.unwrap(), [key("one")]);
}

#[test]
fn a_directory_that_cannot_be_served_is_refused_with_the_way_out() {
    let folder = folder();
    let open = |path: &Path| Directory::open(path, || NOW).unwrap_err().to_string();
    let missing = folder.path().join("missing");
    assert!(
        open(&missing).contains("make it and put a manifest there"),
        "{}",
        open(&missing)
    );
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(open(&file).contains("is a file"), "{}", open(&file));
    chmod(folder.path(), 0o777);
    assert!(
        open(folder.path()).contains("chmod o-w"),
        "{}",
        open(folder.path())
    );
}

#[test]
fn a_directory_is_served_once() {
    let folder = folder();
    let first = open(folder.path());
    let refusal = Directory::open(folder.path(), || NOW)
        .unwrap_err()
        .to_string();
    let holder = format!("is served by process {} already", std::process::id());
    assert!(refusal.contains(&holder), "{refusal}");
    drop(first);
    open(folder.path());
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_unknown_and_not_absent() {
    let folder = folder();
    let directory = open(folder.path());
    let store = directory.store();
    let before = store
        .secret(&key("any"), Freshness::Live)
        .await
        .unwrap_err();
    assert!(
        matches!(before, StoreError::Unavailable(_)),
        "nobody has looked yet: {before:?}"
    );
    directory.rescan().await;
    assert!(
        store
            .secret(&key("any"), Freshness::Live)
            .await
            .unwrap()
            .is_none()
    );
    for name in ["one-credentials", "two-credentials"] {
        let mut secret = SecretObject::named(&key(name));
        secret
            .data
            .insert("password".to_owned(), "generated".into());
        store.create_secret(secret).await.unwrap();
    }
    write_text(folder.path(), "secrets/video/ssh/id", "four");
    directory.rescan().await;
    drop(directory);

    write_text(
        folder.path(),
        "secrets/video.one-credentials.generated.json",
        "{torn",
    );
    chmod(&folder.path().join("secrets/video/ssh/id"), 0o644);
    let directory = open(folder.path());
    let told = problems(&directory.rescan().await).join("\n");
    assert!(
        told.contains("put back a copy of it; it is not made again"),
        "{told}"
    );
    let store = directory.store();
    for name in ["one-credentials", "ssh"] {
        let read = store.secret(&key(name), Freshness::Live).await.unwrap_err();
        assert!(
            matches!(read, StoreError::Unavailable(_)),
            "{name}: {read:?}"
        );
        let again = store
            .create_secret(SecretObject::named(&key(name)))
            .await
            .unwrap_err();
        assert!(
            matches!(again, StoreError::Unavailable(_)),
            "{name}: {again:?}"
        );
    }
    assert!(
        store
            .secret(&key("two-credentials"), Freshness::Live)
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        store
            .secret(&key("absent"), Freshness::Live)
            .await
            .unwrap()
            .is_none()
    );
}
