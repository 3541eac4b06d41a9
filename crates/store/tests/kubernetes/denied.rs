//! Rights that lack, and definitions that are not there: named, with the way out.

use std::sync::Arc;

use ovo_store::conformance::fixture::node;
use ovo_store::kubernetes::{AlwaysOpen, KubernetesOptions, KubernetesStore, SecretAccess};
use ovo_store::{Freshness, ObjectKey, SecretObject, Store, StoreError};

use crate::cases::{cases, manifest, run};
use crate::server::{OPERATOR, Server, blocking, options, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn denied() {
    let server = Server::build(|builder| builder.user("stranger", &[])).await;
    let cases = cases![
        a_right_that_lacks_is_named_with_its_rule,
        a_watch_that_is_not_allowed_is_named_with_its_rule,
        a_namespace_that_is_not_there_is_named,
        a_namespace_that_goes_is_no_lack_of_rights,
        definitions_that_are_not_there_are_asked_for,
    ];
    run(&server, cases).await;
}

fn rule(result: Result<(), StoreError>, rule: &str) {
    let error = result.unwrap_err();
    assert!(
        matches!(&error, StoreError::Denied(text) if text.contains(rule)),
        "{error}"
    );
}

async fn a_right_that_lacks_is_named_with_its_rule(server: Server, key: ObjectKey) {
    server.create(manifest(&key)).await;
    let stranger = server.client("stranger").await;
    let store = KubernetesStore::start(stranger, &options(), AlwaysOpen);
    let read = store.cluster(&key, Freshness::Live).await.map(drop);
    rule(
        read,
        r#"{apiGroups: ["openvidu.io"], resources: ["openviduclusters"], verbs: ["get"]}"#,
    );
    let made = store.create_node(node(&key, "w1")).await.map(drop);
    rule(
        made,
        r#"{apiGroups: ["openvidu.io"], resources: ["openvidunodes"], verbs: ["create"]}"#,
    );
    let read = store.secret(&key, Freshness::Cached).await.map(drop);
    rule(
        read,
        r#"{apiGroups: [""], resources: ["secrets"], verbs: ["get"]}"#,
    );
    let made = store
        .create_secret(SecretObject::named(&key))
        .await
        .map(drop);
    rule(
        made,
        r#"{apiGroups: [""], resources: ["secrets"], verbs: ["create"]}"#,
    );
}

async fn a_watch_that_is_not_allowed_is_named_with_its_rule(server: Server, _key: ObjectKey) {
    let options = KubernetesOptions {
        secrets: SecretAccess::Watch,
        ..options()
    };
    // May do all but watch Secrets.
    let client = server.client(OPERATOR).await;
    let store = KubernetesStore::start(client, &options, AlwaysOpen);
    let lacks = r#"{apiGroups: [""], resources: ["secrets"], verbs: ["list", "watch"]}"#;
    until("readiness names the rule", async || {
        let check = store.health().check();
        check.is_err_and(|why| why.contains(lacks) && !why.contains("openvidu"))
    })
    .await;
}

async fn a_namespace_that_is_not_there_is_named(server: Server, _key: ObjectKey) {
    let (store, _wire) = server.store().await;
    let nowhere = ObjectKey::new("nowhere", "demo");
    let made = store.create_secret(SecretObject::named(&nowhere)).await;
    assert_eq!(
        made.unwrap_err(),
        StoreError::NotFound("namespace nowhere".to_owned())
    );
}

async fn a_namespace_that_goes_is_no_lack_of_rights(server: Server, key: ObjectKey) {
    let (store, _wire) = server.store().await;
    // Nobody finishes the deletion: no controller runs here.
    server
        .kubectl(
            &["delete", "namespace", &key.namespace, "--wait=false"],
            None,
        )
        .await;
    until("it is going", async || {
        let made = store.create_secret(SecretObject::named(&key)).await;
        match made {
            Err(StoreError::Denied(text)) => {
                assert!(
                    text.contains("being terminated") && !text.contains("role"),
                    "{text}"
                );
                true
            }
            _ => false,
        }
    })
    .await;
}

async fn definitions_that_are_not_there_are_asked_for(server: Server, key: ObjectKey) {
    server.create(manifest(&key)).await;
    let (store, _wire) = server.store().await;
    let crds = "crd/openviduclusters.openvidu.io";
    server.kubectl(&["delete", crds, "--wait"], None).await;
    until("the watch says what to do", async || {
        let mut watches = store.health().watches().into_iter();
        watches.any(|watch| {
            let problem = watch.problem.unwrap_or_default();
            problem.contains("kubectl apply --server-side -f crds/")
        })
    })
    .await;
    let read = store.cluster(&key, Freshness::Live).await;
    assert!(
        matches!(&read, Err(StoreError::Unavailable(text)) if text.contains("crds/")),
        "{read:?}"
    );
    // And it comes back by itself.
    let api: Arc<_> = server.api.clone();
    blocking(move || api.install_crds().unwrap()).await;
    server.create(manifest(&key)).await;
    until("the cluster is known", async || {
        store.health().check().is_ok()
            && matches!(store.cluster(&key, Freshness::Cached).await, Ok(Some(_)))
    })
    .await;
}
