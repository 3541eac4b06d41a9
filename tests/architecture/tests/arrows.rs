//! The arrows between crates: each one that is drawn here is allowed, every other fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;

use cargo_metadata::DependencyKind::{Build, Development, Normal};
use ovo_architecture::{direct, tree, workspace};

/// Whom a package may know.
#[derive(Clone, Copy)]
enum May {
    Only(&'static [&'static str]),
    /// The binary that wires all, and the packages that only hold tests.
    All,
}
use May::{All, Only};

const ARROWS: &[(&str, May)] = &[
    ("ovo-api", Only(&[])),
    ("ovo-model", Only(&["ovo-api"])),
    // The decisions: neither kube clients, nor a cloud, nor a runtime.
    ("ovo-planner", Only(&["ovo-api", "ovo-model"])),
    ("ovo-world", Only(&["ovo-api", "ovo-model"])),
    ("ovo-provider", Only(&["ovo-api", "ovo-model"])),
    // A client apart: it takes minutes to build.
    ("ovo-aws-ec2", Only(&[])),
    // The cloud that tests run against: it speaks to what is tested over the wire alone.
    ("ovo-aws-sim", Only(&[])),
    // Backends: none knows another.
    (
        "ovo-provider-aws",
        Only(&["ovo-api", "ovo-aws-ec2", "ovo-model", "ovo-provider"]),
    ),
    (
        "ovo-provider-onprem",
        Only(&["ovo-api", "ovo-model", "ovo-provider"]),
    ),
    (
        "ovo-provider-sim",
        Only(&["ovo-api", "ovo-model", "ovo-provider", "ovo-world"]),
    ),
    ("ovo-media", Only(&["ovo-api", "ovo-model", "ovo-provider"])),
    // Speaks API objects; what they mean is none of its business.
    ("ovo-store", Only(&["ovo-api"])),
    (
        "ovo-engine",
        Only(&[
            "ovo-api",
            "ovo-model",
            "ovo-planner",
            "ovo-provider",
            "ovo-store",
        ]),
    ),
    ("openvidu-operator", All),
    ("ovo-simulation", All),
    ("ovo-aws", All),
    ("ovo-bench", All),
    ("ovo-deploy", All),
    ("ovo-deployment", All),
    ("ovo-kube", All),
    ("ovo-kube-faults", All),
    ("ovo-livekit-model", All),
    ("ovo-machines", All),
    ("ovo-onprem", All),
    ("ovo-architecture", All),
];

/// Anything that reaches out of the process, waits, or draws lots: by package name, a trailing `*` stands for any end.
const OUTSIDE: &[&str] = &[
    "aws-*", "fred", "h2", "hyper*", "mio", "rand", "redis", "reqwest", "russh*", "rustls*",
    "tokio*",
];
const KUBE_CLIENT: &[&str] = &["kube-client", "kube-runtime"];
const BACKENDS: &[&str] = &["aws-*", "russh*"];

/// What must not be anywhere in a crate's tree, however it would get there.
const FREE_OF: &[(&str, &[&[&str]])] = &[
    ("ovo-api", &[OUTSIDE, KUBE_CLIENT]),
    ("ovo-model", &[OUTSIDE, KUBE_CLIENT]),
    ("ovo-planner", &[OUTSIDE, KUBE_CLIENT, &["fastrand"]]),
    ("ovo-world", &[OUTSIDE, KUBE_CLIENT]),
    ("ovo-provider", &[BACKENDS, KUBE_CLIENT]),
    ("ovo-aws-ec2", &[&["russh*"], KUBE_CLIENT]),
    ("ovo-provider-aws", &[&["russh*"], KUBE_CLIENT]),
    ("ovo-provider-onprem", &[&["aws-*"], KUBE_CLIENT]),
    ("ovo-provider-sim", &[BACKENDS, KUBE_CLIENT]),
    ("ovo-media", &[&["aws-*"], KUBE_CLIENT]),
    // The client comes with the feature `kubernetes`, which is off: whoever needs it turns it on, and that is the binary.
    ("ovo-store", &[BACKENDS, KUBE_CLIENT]),
    ("ovo-engine", &[BACKENDS, KUBE_CLIENT]),
];

fn allowed(package: &str) -> Option<May> {
    ARROWS
        .iter()
        .find(|(name, _)| *name == package)
        .map(|(_, may)| *may)
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

#[test]
fn every_package_has_its_place() {
    let unknown: Vec<_> = workspace()
        .unwrap()
        .packages
        .iter()
        .map(|package| package.name.to_string())
        .filter(|name| allowed(name).is_none())
        .collect();
    assert!(
        unknown.is_empty(),
        "{unknown:?}: say in ARROWS whom they may know"
    );
}

#[test]
fn no_arrow_that_is_not_drawn() {
    let metadata = workspace().unwrap();
    let own: BTreeSet<String> = metadata
        .packages
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    let mut forbidden = Vec::new();
    for package in &metadata.packages {
        let Some(Only(to)) = allowed(&package.name) else {
            continue;
        };
        for name in direct(package, &[Normal, Build]).intersection(&own) {
            if !to.contains(&name.as_str()) {
                forbidden.push(format!("{} -> {name}", package.name));
            }
        }
    }
    assert!(
        forbidden.is_empty(),
        "{forbidden:?}: draw the arrow the other way round, or move what is shared down"
    );
}

#[test]
fn providers_do_not_know_each_other_even_in_tests() {
    let metadata = workspace().unwrap();
    let backend = |name: &str| name.starts_with("ovo-provider-");
    let mut forbidden = Vec::new();
    for package in metadata
        .packages
        .iter()
        .filter(|package| backend(&package.name))
    {
        for name in direct(package, &[Normal, Build, Development]) {
            if backend(&name) {
                forbidden.push(format!("{} -> {name}", package.name));
            }
        }
    }
    assert!(forbidden.is_empty(), "{forbidden:?}");
}

#[test]
fn only_the_store_talks_to_kubernetes() {
    let metadata = workspace().unwrap();
    let mut forbidden = Vec::new();
    for package in metadata
        .packages
        .iter()
        .filter(|package| package.name.as_str() != "ovo-store")
    {
        for dependency in package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != Development)
        {
            let client = KUBE_CLIENT.contains(&dependency.name.as_str())
                || dependency.name == "kube"
                    && dependency
                        .features
                        .iter()
                        .any(|feature| feature == "client" || feature == "runtime");
            if client {
                forbidden.push(format!("{} -> {}", package.name, dependency.name));
            }
        }
    }
    assert!(
        forbidden.is_empty(),
        "{forbidden:?}: go through the port of ovo-store"
    );
}

#[test]
fn nothing_forbidden_comes_in_by_the_back_door() {
    let own: BTreeSet<String> = workspace()
        .unwrap()
        .packages
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    let mut forbidden = Vec::new();
    for (package, lists) in FREE_OF.iter().filter(|(package, _)| own.contains(*package)) {
        let tree = tree(package).unwrap();
        for pattern in lists.iter().copied().flatten() {
            for name in tree.iter().filter(|name| matches(pattern, name)) {
                forbidden.push(format!("{package} brings in {name}"));
            }
        }
    }
    assert!(
        forbidden.is_empty(),
        "{forbidden:#?}: `cargo tree -p PACKAGE -i NAME` shows the way it takes"
    );
}
