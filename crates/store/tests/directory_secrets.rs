//! Secrets of a served directory.
#![allow(clippy::unwrap_used)]

mod served;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use ovo_store::{Freshness, ObjectKey, SecretObject, Store, StoreError};
use serde_json::json;
use served::{chmod, document, folder, key, open, problems, value, write, write_text};

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
