//! What one machine lacks.

use ovo_api::act::Role;
use ovo_api::profile::releases::{self, LICENSE_SERVER, ProgramVersion, Release};
use ovo_api::spec::PreflightCheck;

use super::facts::{Asked, Facts, Program};
use super::finding::{Check, Finding};

/// Processors for which OpenVidu publishes images.
const PROCESSORS: &[&str] = &["x86_64", "aarch64"];
/// Distributions with their first version that will do: OpenVidu's own templates use Ubuntu 22.04 and 24.04, and Docker's
/// packages, which its installer fetches, are there for Debian of the same age.
const DISTRIBUTIONS: &[(&str, u32)] = &[("ubuntu", 22), ("debian", 12)];
/// How a check is let pass.
const IGNORE: &str = "in spec.infrastructure.onPrem.preflight.ignore";

/// What is asked of a machine.
#[derive(Clone, Copy, Debug)]
pub struct Needs<'a> {
    /// What it is for.
    pub role: Role,
    /// Of which release.
    pub release: &'a Release,
    /// Whether masters serve people themselves, without a balancer.
    pub public: bool,
    /// Where the installer is fetched from.
    pub installer: &'a str,
}

/// Everything that stands in the way on this machine alone.
pub fn judge(facts: &Facts, needs: &Needs<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    platform(facts, &mut found);
    foreign(facts, &mut found);
    size(facts, needs, &mut found);
    programs(facts, needs, &mut found);
    let of = |check| Check::Of(check);
    let taken: Vec<String> = releases::ports_of(needs.role, needs.public)
        .into_iter()
        .filter_map(|port| facts.listens.iter().find(|(p, _)| *p == port))
        .map(|(port, by)| {
            if by.is_empty() {
                port.to_string()
            } else {
                format!("{port} by {by}")
            }
        })
        .collect();
    if !taken.is_empty() {
        found.push(Finding::new(
            of(PreflightCheck::Ports),
            format!(
                "TCP ports that OpenVidu needs are taken: {}",
                taken.join(", ")
            ),
            "stop what listens there, or move it to other ports",
        ));
    }
    match &facts.installer {
        Asked::Answered => {}
        Asked::Failed(why) => found.push(Finding::new(
            Check::Installer,
            format!("{} cannot be fetched ({why})", needs.installer),
            "let the machine reach that server, or name a mirror in spec.infrastructure.onPrem.installer.baseURL",
        )),
        Asked::Unable => found.push(Finding::new(
            Check::Programs,
            "there is no curl",
            "install the package curl",
        )),
    }
    if facts.license != Asked::Answered {
        let (host, port) = LICENSE_SERVER;
        found.push(Finding::new(
            of(PreflightCheck::Internet),
            format!("{host}, TCP port {port}, does not answer: OpenVidu checks its license there"),
            format!("let the machine reach it, or list Internet {IGNORE}"),
        ));
    }
    found
}

fn platform(facts: &Facts, found: &mut Vec<Finding>) {
    if facts.system != "Linux" || !PROCESSORS.contains(&facts.machine.as_str()) {
        found.push(Finding::new(
            Check::Platform,
            format!("it is {} on {}", facts.system, facts.machine),
            format!("use a machine with Linux on {}", PROCESSORS.join(" or ")),
        ));
    }
    let (id, version) = &facts.os;
    let major = version
        .split('.')
        .next()
        .and_then(|v| v.parse::<u32>().ok());
    let fits = DISTRIBUTIONS
        .iter()
        .any(|(name, first)| name == id && major.is_some_and(|major| major >= *first));
    if !fits {
        let known: Vec<_> = DISTRIBUTIONS
            .iter()
            .map(|(name, first)| format!("{name} {first}"))
            .collect();
        found.push(Finding::new(
            Check::Of(PreflightCheck::OperatingSystem),
            format!(
                "its distribution is {id} {version}, known to do are {} and later",
                known.join(", ")
            ),
            format!("use one of those, or list OperatingSystem {IGNORE}"),
        ));
    }
}

fn foreign(facts: &Facts, found: &mut Vec<Finding>) {
    if let Some(owner) = facts.owners.first() {
        found.push(Finding::new(
            Check::Foreign,
            format!("it belongs to the deployment with infrastructure id {owner}"),
            "take the machine off that cluster's list first, or off this one's",
        ));
    } else if let Some(sign) = facts.openvidu.first() {
        found.push(Finding::new(
            Check::Foreign,
            format!("an OpenVidu that is not ours is there: {sign}"),
            "use another machine, or take that OpenVidu off it by hand; its recordings and data go with /opt/openvidu",
        ));
    }
}

fn size(facts: &Facts, needs: &Needs<'_>, found: &mut Vec<Finding>) {
    let least = releases::needs(needs.role);
    let mut small = |check: PreflightCheck, problem: String| {
        let check = Check::Of(check);
        let way_out = format!("give it more, or list {} {IGNORE}", check.name());
        found.push(Finding::new(check, problem, way_out));
    };
    if facts.cores < least.cores {
        small(
            PreflightCheck::Cpu,
            format!("{} cores, OpenVidu needs {}", facts.cores, least.cores),
        );
    }
    if facts.memory_mib < least.memory_mib {
        small(
            PreflightCheck::Memory,
            format!(
                "{} MiB of memory, OpenVidu needs {} (4 GB, less what the kernel keeps)",
                facts.memory_mib, least.memory_mib
            ),
        );
    }
    // Makers count disks in powers of ten.
    let disk_gb = facts.disk_mib.saturating_mul(1 << 20) / 1_000_000_000;
    if disk_gb < least.disk_gb {
        small(
            PreflightCheck::Disk,
            format!(
                "{disk_gb} GB of disk are free under /opt, OpenVidu needs {}",
                least.disk_gb
            ),
        );
    }
}

fn programs(facts: &Facts, needs: &Needs<'_>, found: &mut Vec<Finding>) {
    if !facts.lacks.is_empty() {
        found.push(Finding::new(
            Check::Programs,
            format!("there is no {}", facts.lacks.join(", no ")),
            "install systemd (247 or later) and coreutils in full",
        ));
    }
    let mut old = |what: &str, has: &Program, least: Option<ProgramVersion>| {
        let check = Check::Of(PreflightCheck::DockerVersion);
        match (has, least) {
            (Program::Unreadable(said), _) => found.push(Finding::new(
                check,
                format!("{what} is there and does not tell its version ({said})"),
                format!("start or remove it, or list DockerVersion {IGNORE}"),
            )),
            (Program::Version(has), Some(least)) if *has < least => found.push(Finding::new(
                check,
                format!(
                    "{what} {} is there, the installer stops at anything before {}",
                    dotted(*has),
                    dotted(least)
                ),
                format!("upgrade it, or remove it and let the installer bring its own; or list DockerVersion {IGNORE}"),
            )),
            _ => {}
        }
    };
    old("Docker", &facts.docker, needs.release.docker);
    if facts.docker != Program::Absent {
        old("Compose", &facts.compose, needs.release.compose);
    }
}

fn dotted((major, minor, patch): ProgramVersion) -> String {
    format!("{major}.{minor}.{patch}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine that has everything, and one thing changed.
    fn found(version: &str, role: Role, change: impl FnOnce(&mut Facts)) -> Vec<String> {
        let mut facts = Facts {
            system: "Linux".to_owned(),
            machine: "x86_64".to_owned(),
            os: ("ubuntu".to_owned(), "24.04".to_owned()),
            cores: 4,
            memory_mib: 3_914,
            disk_mib: 110_000,
            listens: vec![(22, "sshd".to_owned())],
            installer: Asked::Answered,
            license: Asked::Answered,
            ..Facts::default()
        };
        change(&mut facts);
        let needs = Needs {
            role,
            release: releases::release(version).unwrap(),
            public: false,
            installer: "https://get.openvidu.io/x.sh",
        };
        judge(&facts, &needs)
            .iter()
            .map(Finding::to_string)
            .collect()
    }

    #[test]
    fn a_machine_with_everything_passes() {
        for role in [Role::Master, Role::Media] {
            assert_eq!(found("3.8.0", role, |_| ()), Vec::<String>::new());
        }
    }

    #[test]
    fn each_lack_is_named_with_its_numbers_and_the_way_out() {
        type Case = (fn(&mut Facts), &'static str, &'static str);
        let cases: &[Case] = &[
            (
                |f| f.system = "FreeBSD".to_owned(),
                "Platform: it is FreeBSD on x86_64",
                "with Linux",
            ),
            (
                |f| f.machine = "riscv64".to_owned(),
                "on riscv64",
                "x86_64 or aarch64",
            ),
            (
                |f| f.os.0 = "alpine".to_owned(),
                "OperatingSystem: its distribution is alpine 24.04",
                "list OperatingSystem",
            ),
            (|f| f.os.1 = "20.04".to_owned(), "ubuntu 20.04", "ubuntu 22"),
            (
                |f| f.cores = 2,
                "CPU: 2 cores, OpenVidu needs 4",
                "list CPU in spec.infrastructure.onPrem.preflight.ignore",
            ),
            (|f| f.memory_mib = 2_000, "Memory: 2000 MiB", "list Memory"),
            (|f| f.disk_mib = 50_000, "Disk: 52 GB of disk", "list Disk"),
            (
                |f| f.listens.push((7000, "redis-server".to_owned())),
                "Ports: TCP ports that OpenVidu needs are taken: 7000 by redis-server",
                "stop what listens",
            ),
            (
                |f| f.openvidu.push("/opt/openvidu".to_owned()),
                "Foreign: an OpenVidu that is not ours is there: /opt/openvidu",
                "another machine",
            ),
            (
                |f| f.owners.push("abcd1234".to_owned()),
                "infrastructure id abcd1234",
                "that cluster's list",
            ),
            (
                |f| f.lacks.push("systemd-run".to_owned()),
                "Programs: there is no systemd-run",
                "install systemd",
            ),
            (
                |f| f.installer = Asked::Unable,
                "there is no curl",
                "package curl",
            ),
            (
                |f| f.installer = Asked::Failed("curl: (6) no such host".to_owned()),
                "Installer: https://get.openvidu.io/x.sh cannot be fetched (curl: (6)",
                "baseURL",
            ),
            (
                |f| f.license = Asked::Failed(String::new()),
                "Internet: accounts.openvidu.io, TCP port 443",
                "list Internet",
            ),
            (
                |f| f.docker = Program::Version((20, 10, 24)),
                "DockerVersion: Docker 20.10.24 is there, the installer stops at anything before 29.5.3",
                "list DockerVersion",
            ),
            (
                |f| f.docker = Program::Unreadable("silent".to_owned()),
                "does not tell its version",
                "start or remove it",
            ),
        ];
        for (change, problem, way_out) in cases {
            let found = found("3.8.0", Role::Master, change);
            assert_eq!(found.len(), 1, "{problem}: {found:?}");
            assert!(
                found[0].contains(problem) && found[0].contains(way_out),
                "{found:?}"
            );
        }
    }

    #[test]
    fn what_is_asked_follows_from_release_and_role() {
        let old_engine = |f: &mut Facts| f.docker = Program::Version((20, 10, 24));
        assert_eq!(
            found("3.7.0", Role::Master, old_engine),
            Vec::<String>::new()
        );
        let new_engine = |f: &mut Facts| {
            f.docker = Program::Version((29, 5, 3));
            f.compose = Program::Version((2, 0, 0));
        };
        assert!(found("3.8.0", Role::Media, new_engine)[0].contains("Compose 2.0.0"));
        let little = |f: &mut Facts| f.disk_mib = 20_000;
        assert_eq!(found("3.8.0", Role::Media, little), Vec::<String>::new());
        // A master's port does not matter on a media node.
        let mongo = |f: &mut Facts| f.listens.push((20000, "mongod".to_owned()));
        assert_eq!(found("3.8.0", Role::Media, mongo), Vec::<String>::new());
    }
}
