//! Memory of the caches over a thousand clusters of eight nodes, beside kube's own reflector over the same objects.
//!
//! The objects are in a real API server. Each measurement is a process of its own, which is this program again.
#![allow(clippy::unwrap_used)]

use std::process::Command;
use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt};
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::{WatchStreamExt, reflector, watcher};
use kube::{Api, Client};
use ovo_api::{OpenViduCluster, OpenViduNode};
use ovo_kube::{ADMIN, ApiServer};
use ovo_store::conformance::fixture;
use ovo_store::kubernetes::{AlwaysOpen, KubernetesOptions, KubernetesStore, Scope};
use ovo_store::{Freshness, ObjectKey, Store};

const CLUSTERS: usize = 1000;
const NODES: usize = 8;
/// How many requests fill the server at once.
const AT_ONCE: usize = 16;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mode, kubeconfig] = arguments.as_slice()
        && mode.starts_with("--measure")
    {
        runtime.block_on(measure(mode, kubeconfig));
        return;
    }
    let server = ApiServer::start().unwrap();
    server.install_crds().unwrap();
    let kubeconfig = server.kubeconfig(ADMIN).unwrap();
    let kubeconfig = kubeconfig.to_str().unwrap();
    let began = Instant::now();
    runtime.block_on(fill(kubeconfig));
    let total = CLUSTERS * (1 + NODES);
    println!(
        "{total} objects made in {:.0} s",
        began.elapsed().as_secs_f32()
    );
    for mode in [
        "--measure=nothing",
        "--measure=reflector",
        "--measure=store",
    ] {
        let program = std::env::current_exe().unwrap();
        let status = Command::new(program).args([mode, kubeconfig]).status();
        assert!(status.unwrap().success());
    }
}

async fn client(kubeconfig: &str) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await;
    ovo_store::kubernetes::client(config.unwrap()).unwrap()
}

fn key(n: usize) -> ObjectKey {
    ObjectKey::new("default", format!("cluster-{n}"))
}

async fn fill(kubeconfig: &str) {
    let client = client(kubeconfig).await;
    let clusters: Api<OpenViduCluster> = Api::namespaced(client.clone(), "default");
    let nodes: Api<OpenViduNode> = Api::namespaced(client, "default");
    let (clusters, nodes) = (&clusters, &nodes);
    let post = &PostParams::default();
    futures::stream::iter(0..CLUSTERS)
        .map(|n| async move {
            let cluster = serde_json::from_value(fixture::cluster(&key(n))).unwrap();
            clusters.create(post, &cluster).await.unwrap();
            for machine in 0..NODES {
                let node = fixture::node(&key(n), &format!("machine-{machine}"));
                let made = nodes.create(post, &node).await.unwrap();
                let made = OpenViduNode {
                    status: node.status,
                    ..made
                };
                let name = made.metadata.name.clone().unwrap();
                nodes.replace_status(&name, post, &made).await.unwrap();
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect::<()>()
        .await;
}

async fn measure(mode: &str, kubeconfig: &str) {
    let client = client(kubeconfig).await;
    let began = Instant::now();
    match mode {
        "--measure=store" => {
            let options = KubernetesOptions::new(Scope::AllNamespaces, "bench");
            let store = KubernetesStore::start(client, &options, AlwaysOpen);
            store.synced().await;
            assert_eq!(store.clusters().await.unwrap().len(), CLUSTERS);
            for n in 0..CLUSTERS {
                assert_eq!(
                    store.nodes(&key(n), Freshness::Cached).await.unwrap().len(),
                    NODES
                );
            }
            report("the store", began).await;
        }
        "--measure=reflector" => {
            let clusters = follow::<OpenViduCluster>(client.clone()).await;
            let nodes = follow::<OpenViduNode>(client).await;
            assert_eq!((clusters.len(), nodes.len()), (CLUSTERS, CLUSTERS * NODES));
            report("kube's reflector", began).await;
        }
        _ => {
            client.apiserver_version().await.unwrap();
            report("a client alone", began).await;
        }
    }
}

async fn follow<K>(client: Client) -> reflector::Store<K>
where
    K: kube::Resource<DynamicType = ()> + Clone + std::fmt::Debug + Send + Sync + 'static,
    K: serde::de::DeserializeOwned,
{
    let (store, writer) = reflector::store();
    let events = watcher(Api::<K>::all(client), watcher::Config::default());
    let events = events.default_backoff().reflect(writer);
    tokio::spawn(events.try_for_each(|_| async { Ok(()) }));
    store.wait_until_ready().await.unwrap();
    store
}

/// Lets what was begun come to rest, then says what is resident.
async fn report(who: &str, began: Instant) {
    let listed = began.elapsed();
    tokio::time::sleep(Duration::from_secs(2)).await;
    println!(
        "{who}: {} MiB resident, {} MiB at most, ready after {:.1} s",
        status("VmRSS:") / 1024,
        status("VmHWM:") / 1024,
        listed.as_secs_f32()
    );
}

/// A line of `/proc/self/status`, in KiB.
fn status(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
