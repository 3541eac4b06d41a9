//! What was acknowledged is there after SIGKILL, whenever it comes.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ovo_store::conformance::fixture;
use ovo_store::{Directory, Freshness, ObjectKey, Store, SystemClock};
use secrecy::ExposeSecret as _;

/// How often the writer is killed.
const KILLS: usize = 40;

/// The last acknowledged state.
#[derive(Debug, Default)]
struct Acknowledged {
    cluster: u64,
    secret: u64,
    nodes: BTreeSet<String>,
    version: u64,
    writes: usize,
}

impl Acknowledged {
    fn take(&mut self, line: &str) {
        let mut words = line.split(' ');
        let (what, version, value) = (
            words.next().unwrap(),
            words.next().unwrap(),
            words.next().unwrap(),
        );
        match what {
            "cluster" => self.cluster = value.parse().unwrap(),
            "secret" => self.secret = value.parse().unwrap(),
            "node" => assert!(self.nodes.insert(value.to_owned())),
            "gone" => assert!(self.nodes.remove(value)),
            other => panic!("{other}: {line}"),
        }
        if what != "gone" {
            let version: u64 = version.parse().unwrap();
            assert!(version > self.version, "{version} after {}", self.version);
            self.version = version;
        }
        self.writes += 1;
    }
}

fn start(folder: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_store-writer"))
        .arg(folder)
        .arg("0")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Lets the writer write some, kills it, and returns what it said until then.
fn run(folder: &Path, lines: usize, linger: Duration) -> Vec<String> {
    let mut child = start(folder);
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said: Vec<String> = output.by_ref().take(lines).map(Result::unwrap).collect();
    assert_eq!(said.len(), lines, "the writer ended by itself: {said:?}");
    // Not a wait for anything: it moves the kill to another place within the write that is under way.
    std::thread::sleep(linger);
    child.kill().unwrap();
    child.wait().unwrap();
    // The last line may be cut; then the write is done and not acknowledged.
    said.extend(
        output
            .map_while(Result::ok)
            .filter(|line| line.split(' ').count() == 3),
    );
    said
}

#[tokio::test]
async fn nothing_acknowledged_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = fixture::cluster(&ObjectKey::new("video", "demo")).to_string();
    std::fs::write(folder.path().join("demo.yaml"), manifest).unwrap();
    let mut seen = Acknowledged::default();
    let mut random = fastrand::Rng::with_seed(20_271_114);
    for _ in 0..KILLS {
        let lines = random.usize(1..12);
        let linger = Duration::from_micros(random.u64(0..4_000));
        for line in run(folder.path(), lines, linger) {
            seen.take(&line);
        }
        check(folder.path(), &mut seen).await;
    }
    assert!(seen.writes > KILLS * 3, "{seen:?}");
}

/// Everything acknowledged is there; at most the one write under way may be there beside it.
async fn check(folder: &Path, seen: &mut Acknowledged) {
    let directory = Directory::open(folder, SystemClock).unwrap();
    assert_eq!(directory.rescan().await.problems, []);
    let store = directory.store();
    let key = ObjectKey::new("video", "demo");
    let cluster = store.cluster(&key, Freshness::Live).await.unwrap().unwrap();
    let count: u64 = cluster
        .status
        .as_ref()
        .map_or(0, |status| status.summary.parse().unwrap());
    let secret = store
        .secret(&key.sibling("credentials"), Freshness::Live)
        .await
        .unwrap();
    let kept: u64 = secret
        .unwrap()
        .text("count")
        .unwrap()
        .expose_secret()
        .parse()
        .unwrap();
    let nodes: BTreeSet<String> = store
        .nodes(&key, Freshness::Live)
        .await
        .unwrap()
        .iter()
        .map(|node| node.spec.machine.clone())
        .collect();
    assert!(
        count >= seen.cluster,
        "a status was lost: {count}, {seen:?}"
    );
    assert!(kept >= seen.secret, "a Secret was lost: {kept}, {seen:?}");
    let under_way = [
        usize::from(count > seen.cluster),
        usize::from(kept > seen.secret),
        nodes.symmetric_difference(&seen.nodes).count(),
    ];
    assert!(
        under_way.iter().sum::<usize>() <= 1,
        "more than the write under way: {count} {kept} {nodes:?} {seen:?}"
    );
    let version: u64 = cluster
        .metadata
        .resource_version
        .as_ref()
        .unwrap()
        .parse()
        .unwrap();
    seen.version = seen.version.max(version);
    (seen.cluster, seen.secret, seen.nodes) = (count, kept, nodes);
}
