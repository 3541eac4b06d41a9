//! Secrets.

use kube::core::ObjectMeta;
use ovo_api::annotations::IN_USE_FINALIZER;
use secrecy::ExposeSecret;

use super::{Bed, Verdict, ensure, ensure_eq, ok, refused};
use crate::error::StoreError;
use crate::key::ObjectKey;
use crate::port::{Freshness, Store};
use crate::secret::SecretObject;

const VALUE: &str = "correct-horse-battery";

fn secret(key: &ObjectKey) -> SecretObject {
    let mut secret = SecretObject::named(key);
    secret.data.insert("password".to_owned(), VALUE.into());
    secret
        .data
        .insert("binary".to_owned(), vec![0u8, 159, 146, 150].into());
    secret
}

fn version(meta: &ObjectMeta) -> Option<&str> {
    meta.resource_version.as_deref()
}

pub(super) async fn values_come_back_and_never_show<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    let absent = ok!(bed.store().secret(key, Freshness::Live).await);
    ensure!(absent.is_none(), "a Secret that nobody made is there");
    ok!(bed.store().create_secret(secret(key)).await);
    for freshness in [Freshness::Cached, Freshness::Live] {
        let read = ok!(bed.store().secret(key, freshness).await);
        let read = ok!(read.ok_or(format!("it is not there {freshness:?}")));
        let text = read.text("password");
        ensure!(
            text.is_some_and(|text| text.expose_secret() == VALUE),
            "another value came back {freshness:?}"
        );
        ensure!(read.text("binary").is_none(), "bytes came back as text");
        let bytes = read.data.get("binary").map(crate::SecretValue::expose);
        ensure!(
            bytes == Some(&[0u8, 159, 146, 150][..]),
            "other bytes came back"
        );
        let shown = format!("{read:?}");
        ensure!(
            !shown.contains(VALUE) && !shown.contains("159"),
            "Debug shows it"
        );
    }
    Ok(())
}

pub(super) async fn a_second_one_is_refused<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    ok!(bed.store().create_secret(secret(key)).await);
    let mut other = SecretObject::named(key);
    other.data.insert("password".to_owned(), "another".into());
    refused!(
        bed.store().create_secret(other).await,
        StoreError::AlreadyExists(_)
    );
    let read = ok!(bed.store().secret(key, Freshness::Live).await);
    let text = read.and_then(|secret| secret.text("password"));
    ensure!(
        text.is_some_and(|text| text.expose_secret() == VALUE),
        "the first one was replaced"
    );
    Ok(())
}

pub(super) async fn an_update_compares_versions<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    let store = bed.store();
    let made = ok!(store.create_secret(secret(key)).await);
    let same = ok!(store.update_secret(&made).await);
    ensure_eq!(
        version(&same.metadata),
        version(&made.metadata),
        "version after no change"
    );
    let mut next = SecretObject::clone(&made);
    next.data.insert("more".to_owned(), "value".into());
    let written = ok!(store.update_secret(&next).await);
    ensure!(
        version(&written.metadata) != version(&made.metadata),
        "the version stayed"
    );
    refused!(
        store.update_secret(&next).await,
        StoreError::Conflict { .. }
    );
    next.metadata.resource_version = None;
    refused!(
        store.update_secret(&next).await,
        StoreError::Conflict { .. }
    );
    let absent = SecretObject::named(&key.sibling("absent"));
    refused!(store.update_secret(&absent).await, StoreError::NotFound(_));
    let read = ok!(store.secret(key, Freshness::Live).await);
    ensure_eq!(read.map(|secret| secret.data.len()), Some(3), "keys");
    Ok(())
}

pub(super) async fn a_finalizer_is_kept<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    let made = ok!(bed.store().create_secret(secret(key)).await);
    let mut next = SecretObject::clone(&made);
    next.metadata.finalizers = Some(vec![IN_USE_FINALIZER.to_owned()]);
    let written = ok!(bed.store().update_secret(&next).await);
    let read = ok!(bed.store().secret(key, Freshness::Live).await);
    let finalizers = read.and_then(|secret| secret.metadata.finalizers.clone());
    ensure_eq!(
        finalizers,
        Some(vec![IN_USE_FINALIZER.to_owned()]),
        "finalizers"
    );
    let mut bare = SecretObject::clone(&written);
    bare.metadata.finalizers = None;
    let written = ok!(bed.store().update_secret(&bare).await);
    ensure_eq!(written.metadata.finalizers, None, "finalizers");
    Ok(())
}
