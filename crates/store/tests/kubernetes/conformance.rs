//! The conformance suite, with the rights that the operator has and no others.

use std::time::Duration;

use ovo_store::ObjectKey;
use ovo_store::conformance::failures;
use ovo_store::conformance::fixture::{node, with};
use ovo_store::kubernetes::{AlwaysOpen, KubernetesOptions, SecretAccess};

use crate::bed::KubernetesBed;
use crate::cases::manifest;
use crate::server::{Server, options};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conformance() {
    // What a cluster owns goes with it: that is the work of the garbage collector.
    let server = Server::build(ovo_kube::Builder::controllers).await;
    collector_knows_our_kinds(&server).await;
    for (secrets, prefix) in [(SecretAccess::Get, "get"), (SecretAccess::Watch, "watch")] {
        let options = KubernetesOptions {
            secrets,
            ..options()
        };
        let (store, _wire) = server.store_with(options, AlwaysOpen).await;
        let bed = KubernetesBed::new(&server, store, prefix).await;
        assert_eq!(failures(&bed).await, [], "{secrets:?}");
    }
}

/// How long the collector may take: it looks for new kinds every 30 s, and waits for its own watches of them.
const COLLECTOR: Duration = Duration::from_secs(90);

/// Waits until the garbage collector has found the definitions, which were installed after it had begun.
async fn collector_knows_our_kinds(server: &Server) {
    let key = ObjectKey::new(server.namespace("collector").await, "demo");
    server.create(manifest(&key)).await;
    let get = [
        "get",
        "ovc",
        "demo",
        "-n",
        &key.namespace,
        "-o",
        "jsonpath={.metadata.uid}",
    ];
    let owner = serde_json::json!([{
        "apiVersion": "openvidu.io/v1alpha1", "kind": "OpenViduCluster", "name": "demo",
        "uid": server.kubectl(&get, None).await,
    }]);
    let record = serde_json::to_value(node(&key, "w1")).unwrap();
    server
        .create(with(record, "/metadata/ownerReferences", owner))
        .await;
    server
        .kubectl(&["delete", "ovc", "demo", "-n", &key.namespace], None)
        .await;
    let collected = async {
        while server
            .try_kubectl(&["get", "ovn", "demo-w1", "-n", &key.namespace], None)
            .await
            .0
        {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::time::timeout(COLLECTOR, collected)
        .await
        .expect("the collector never found our kinds");
}
