//! A served directory: manifests and the lock.
#![allow(clippy::unwrap_used)]

mod served;

use std::fs;
use std::path::Path;

use ovo_store::conformance::fixture::{self, with, without};
use ovo_store::directory::Scan;
use ovo_store::{Directory, Freshness, ObjectKey, Store, StoreError};
use serde_json::json;
use served::{NOW, chmod, document, folder, key, open, problems, write, write_text};

async fn paused(directory: &Directory, name: &str) -> Option<bool> {
    let cluster = directory
        .store()
        .cluster(&key(name), Freshness::Live)
        .await
        .unwrap();
    cluster.and_then(|cluster| cluster.spec.paused)
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
            .adopt_cluster(&key("one"), &version, "a/f", "a", "b")
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
