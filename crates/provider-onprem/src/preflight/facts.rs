//! What the preflight's script says of a machine.

use ovo_api::profile::releases::ProgramVersion;

/// A program that may be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Program {
    /// It is not.
    #[default]
    Absent,
    /// In this version.
    Version(ProgramVersion),
    /// There, and does not say which: with its words.
    Unreadable(String),
}

/// What came of asking another server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Asked {
    /// It answered.
    Answered,
    /// It did not, with what was said about it.
    Failed(String),
    /// There is nothing to ask with.
    #[default]
    Unable,
}

/// What a machine is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Kernel, by `uname -s`.
    pub system: String,
    /// Processor, by `uname -m`.
    pub machine: String,
    /// Distribution and its version, by `/etc/os-release`.
    pub os: (String, String),
    /// CPU cores.
    pub cores: u32,
    /// Main memory in MiB, by the kernel's word.
    pub memory_mib: u64,
    /// Free space where `/opt` is, in MiB.
    pub disk_mib: u64,
    /// TCP ports that somebody listens on, with that program's name where it could be told.
    pub listens: Vec<(u16, String)>,
    /// The Docker engine.
    pub docker: Program,
    /// Its Compose plugin.
    pub compose: Program,
    /// Files of an OpenVidu.
    pub openvidu: Vec<String>,
    /// Infrastructure ids of deployments that have something here.
    pub owners: Vec<String>,
    /// Programs that are missed.
    pub lacks: Vec<String>,
    /// Where the installer comes from.
    pub installer: Asked,
    /// OpenVidu's license server.
    pub license: Asked,
}

impl Facts {
    /// What a whole answer says.
    ///
    /// # Errors
    /// Why it is not whole.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut facts = Self::default();
        let mut lines = text.lines();
        for line in &mut lines {
            let (name, value) = line.split_once(' ').unwrap_or((line, ""));
            let number = || value.trim().parse::<u64>().map_err(|_| format!("{line:?}"));
            match name {
                "system" => value.clone_into(&mut facts.system),
                "machine" => value.clone_into(&mut facts.machine),
                "os" => {
                    let (id, version) = value.split_once(' ').unwrap_or((value, ""));
                    facts.os = (id.to_owned(), version.to_owned());
                }
                "cores" => facts.cores = u32::try_from(number()?).unwrap_or(u32::MAX),
                "memory-mib" => facts.memory_mib = number()?,
                "disk-mib" => facts.disk_mib = number()?,
                "listens" => {
                    let (port, by) = value.split_once(' ').unwrap_or((value, ""));
                    let port = port.parse().map_err(|_| format!("{line:?}"))?;
                    facts.listens.push((port, by.trim().to_owned()));
                }
                "docker" => facts.docker = program(value),
                "compose" => facts.compose = program(value),
                "openvidu" => facts.openvidu.push(value.to_owned()),
                "owner" => facts.owners.push(value.to_owned()),
                "lacks" => facts.lacks.push(value.to_owned()),
                "installer" => facts.installer = asked(value),
                "license" => facts.license = asked(value),
                "end" => {
                    facts.listens.sort();
                    facts.listens.dedup_by_key(|(port, _)| *port);
                    return Ok(facts);
                }
                _ => return Err(format!("{line:?}")),
            }
        }
        Err("its end is missing".to_owned())
    }
}

fn asked(value: &str) -> Asked {
    match value.split_once(' ').unwrap_or((value, "")) {
        ("ok", _) => Asked::Answered,
        ("failed", why) => Asked::Failed(why.to_owned()),
        _ => Asked::Unable,
    }
}

/// `29.5.3`, `v5.1.4`, `20.10.24+dfsg1`: numbers count up to where they end.
fn program(value: &str) -> Program {
    if value == "none" {
        return Program::Absent;
    }
    let numbers: Vec<u32> = value
        .trim_start_matches('v')
        .split('.')
        .take(3)
        .map_while(|part| {
            let digits = part
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(part.len());
            part[..digits].parse().ok()
        })
        .collect();
    match numbers[..] {
        [major, minor, patch] => Program::Version((major, minor, patch)),
        [major, minor] => Program::Version((major, minor, 0)),
        _ => Program::Unreadable(value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "docker 20.10.24+dfsg1\ncompose v5.1.4\nsystem Linux\nmachine x86_64\nos ubuntu 24.04\ncores 4\n\
        memory-mib 3914\ndisk-mib 120000\nlistens 7880 nginx\nlistens 22 sshd\nlistens 22 sshd\nopenvidu /opt/openvidu\n\
        owner abcd1234\ninstaller failed curl: (7) refused\nlicense ok\nend\n";

    #[test]
    fn a_whole_answer() {
        let facts = Facts::parse(WHOLE).unwrap();
        assert_eq!(facts.docker, Program::Version((20, 10, 24)));
        assert_eq!(facts.compose, Program::Version((5, 1, 4)));
        assert_eq!(facts.os, ("ubuntu".to_owned(), "24.04".to_owned()));
        assert_eq!(
            facts.listens,
            [(22, "sshd".to_owned()), (7880, "nginx".to_owned())]
        );
        assert_eq!(
            facts.installer,
            Asked::Failed("curl: (7) refused".to_owned())
        );
        assert_eq!(
            (facts.owners, facts.cores),
            (vec!["abcd1234".to_owned()], 4)
        );
    }

    #[test]
    fn no_part_of_an_answer_is_an_answer() {
        for length in 0..WHOLE.len() - "nd\n".len() {
            Facts::parse(&WHOLE[..length]).unwrap_err();
        }
        Facts::parse("motd: welcome\nend\n").unwrap_err();
    }
}
