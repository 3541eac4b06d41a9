//! The text of the stand-in installer.

const SCRIPT: &str = include_str!("../../scripts/install.sh");
const CONTAINERS: &str = include_str!("../../scripts/containers.sh");
const WITHOUT_CONTAINERS: &str = include_str!("../../scripts/no-containers.sh");

/// The releases of OpenVidu 3, of which each installer serves itself alone.
const VERSIONS: [&str; 11] = [
    "3.0.0", "3.1.0", "3.2.0", "3.3.0", "3.4.0", "3.4.1", "3.5.0", "3.6.0", "3.6.1", "3.7.0",
    "3.8.0",
];

pub(super) fn is_known(version: &str) -> bool {
    VERSIONS.contains(&version)
}

pub(super) fn text(base: &str, version: &str, containers: bool) -> String {
    let part = if containers {
        CONTAINERS
    } else {
        WITHOUT_CONTAINERS
    };
    SCRIPT
        .replace("@BASE@", base)
        .replace("@VERSION@", version)
        .replace("@CONTAINERS@\n", part)
}
