//! What was found, for people.

use std::collections::BTreeMap;
use std::fmt;

use ovo_api::spec::PreflightCheck;

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// Whether the machine answers and is the one that was pinned.
    Reach,
    /// Whether we may become root.
    Root,
    /// Kernel and processor.
    Platform,
    /// An OpenVidu that is not ours.
    Foreign,
    /// Programs that the installation cannot do without.
    Programs,
    /// Whether the installer can be fetched from there.
    Installer,
    /// One that a manifest may choose to have reported only.
    Of(PreflightCheck),
}

/// Something that stands in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// What is wrong, with the numbers.
    pub problem: String,
    /// What to do.
    pub way_out: String,
}

/// What was found on one machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What must be mended first.
    pub failed: Vec<Finding>,
    /// What the manifest chose to ignore.
    pub ignored: Vec<Finding>,
}

/// What was found on all machines, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Each machine that was asked.
    pub machines: BTreeMap<String, Verdict>,
}

// === impl Check ===

impl Check {
    /// Its name, as `spec.infrastructure.onPrem.preflight.ignore` takes it where it does.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reach => "Reach",
            Self::Root => "Root",
            Self::Platform => "Platform",
            Self::Foreign => "Foreign",
            Self::Programs => "Programs",
            Self::Installer => "Installer",
            Self::Of(PreflightCheck::DockerVersion) => "DockerVersion",
            Self::Of(PreflightCheck::Cpu) => "CPU",
            Self::Of(PreflightCheck::Memory) => "Memory",
            Self::Of(PreflightCheck::Disk) => "Disk",
            Self::Of(PreflightCheck::OperatingSystem) => "OperatingSystem",
            Self::Of(PreflightCheck::Ports) => "Ports",
            Self::Of(PreflightCheck::Internet) => "Internet",
            Self::Of(PreflightCheck::Clock) => "Clock",
        }
    }
}

// === impl Finding ===

impl Finding {
    pub(crate) fn new(
        check: Check,
        problem: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Self {
        Self {
            check,
            problem: problem.into(),
            way_out: way_out.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}; {}",
            self.check.name(),
            self.problem,
            self.way_out
        )
    }
}

// === impl Report ===

impl Report {
    /// Notes a finding, among those that count or those that the manifest ignores.
    pub(crate) fn add(&mut self, machine: &str, finding: Finding, ignore: &[PreflightCheck]) {
        let verdict = self.machines.entry(machine.to_owned()).or_default();
        match finding.check {
            Check::Of(check) if ignore.contains(&check) => verdict.ignored.push(finding),
            _ => verdict.failed.push(finding),
        }
    }

    /// Whether nothing stands in the way on any machine.
    pub fn passed(&self) -> bool {
        self.machines.values().all(|v| v.failed.is_empty())
    }
}
