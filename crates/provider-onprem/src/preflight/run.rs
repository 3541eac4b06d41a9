//! Asking all machines at once.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::join_all;
use futures::stream::{self, StreamExt};
use ovo_api::act::Role;
use ovo_api::profile::releases::LICENSE_SERVER;
use ovo_api::spec::PreflightCheck;
use ovo_model::ProviderError;

use super::clocks::{Clock, judge_clocks};
use super::facts::Facts;
use super::finding::{Check, Finding, Report};
use super::judge::{Needs, judge};
use super::ports::{Answer, Probe, judge_ports, probes};
use crate::machine::Machine;

const FACTS: &str = include_str!("../scripts/preflight.sh");
/// Microseconds since 1970.
const CLOCK: &str = "date +%s%6N";
const LISTEN: &str = include_str!("../scripts/preflight-listen.sh");
const PROBE: &str = include_str!("../scripts/preflight-probe.sh");

/// How long one question to a machine may take. Nothing is changed by it, so a lease does not bound it.
const PATIENCE: Duration = Duration::from_secs(20);
/// Machines that are asked at the same time.
const AT_ONCE: usize = 16;

/// A machine that takes part.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its address, at which the others reach it.
    pub address: &'a str,
    /// What is asked of it.
    pub needs: Needs<'a>,
    /// Whether nothing of ours is on it: else it only connects, and answers.
    pub bare: bool,
    /// The way to it, or why there is none.
    pub machine: Result<Machine, String>,
}

/// Asks all machines at once, changes nothing on any, and names everything that stands in the way.
pub async fn run(candidates: &[Candidate<'_>], ignore: &[PreflightCheck]) -> Report {
    let mut report = Report::default();
    for candidate in candidates.iter().filter(|c| c.bare) {
        report
            .machines
            .entry(candidate.name.to_owned())
            .or_default();
    }
    let mut questions = Vec::new();
    for candidate in candidates.iter().filter(|c| c.bare) {
        questions.push(async move { (candidate, ask(candidate).await) });
    }
    let asked: Vec<_> = stream::iter(questions)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let (mut known, mut clocks) = (BTreeMap::new(), BTreeMap::new());
    for (candidate, answer) in asked {
        match answer {
            Ok((facts, clock)) => {
                for finding in judge(&facts, &candidate.needs) {
                    report.add(candidate.name, finding, ignore);
                }
                clocks.insert(candidate.name, clock);
                known.insert(candidate.name, facts);
            }
            Err(finding) => report.add(candidate.name, finding, ignore),
        }
    }
    for (name, finding) in judge_clocks(&clocks) {
        report.add(&name, finding, ignore);
    }
    // Whoever did not answer is named already; nobody waits for it a second time.
    let there: Vec<_> = candidates
        .iter()
        .filter(|c| !c.bare || known.contains_key(c.name))
        .collect();
    for (name, finding) in judge_ports(&try_ports(&there, &known).await) {
        report.add(&name, finding, ignore);
    }
    for verdict in report.machines.values_mut() {
        verdict.failed.sort_by_key(|f| f.check);
        verdict.ignored.sort_by_key(|f| f.check);
    }
    report
}

async fn ask(candidate: &Candidate<'_>) -> Result<(Facts, Clock), Finding> {
    let machine = candidate.machine.as_ref().map_err(|why| {
        Finding::new(
            Check::Reach,
            why.clone(),
            "mend that, or take it off the list",
        )
    })?;
    let (host, port) = LICENSE_SERVER;
    let port = port.to_string();
    let arguments = [candidate.needs.installer, host, port.as_str()];
    let output = machine
        .read(FACTS, &arguments, Vec::new(), PATIENCE)
        .await
        .map_err(|error| unreached(candidate, &error))?;
    let broken = |why: &str| {
        Finding::new(
            Check::Reach,
            format!("its answer is not whole ({why})"),
            "run the preflight again",
        )
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let facts = Facts::parse(&text).map_err(|why| broken(&why))?;
    // A question of its own, since the shorter the way the surer the answer.
    let before = now_us();
    let output = machine
        .read(CLOCK, &[], Vec::new(), PATIENCE)
        .await
        .map_err(|error| unreached(candidate, &error))?;
    let after = now_us();
    let text = String::from_utf8_lossy(&output.stdout);
    let shown: i64 = text.trim().parse().map_err(|_| broken("its clock"))?;
    let clock = Clock {
        ahead_ms: shown.saturating_sub(i64::midpoint(before, after)) / 1_000,
        slack_ms: after.saturating_sub(before) / 2_000,
    };
    Ok((facts, clock))
}

fn unreached(candidate: &Candidate<'_>, error: &ProviderError) -> Finding {
    let name = format!("{}: ", candidate.name);
    let said = error.to_string();
    let said = said.strip_prefix("denied: ").unwrap_or(&said);
    let said = said.strip_prefix(&name).unwrap_or(said);
    // The words of an SSH error end with the way out, behind a semicolon.
    let (problem, way_out) = said.split_once("; ").unwrap_or((
        said,
        "switch it on, or mend the way to it; or take it off the list",
    ));
    let check = if said.contains("may not become root") {
        Check::Root
    } else {
        Check::Reach
    };
    Finding::new(check, problem, way_out)
}

fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX))
}

/// Lets bare machines listen, lets all connect as OpenVidu will, and ends the listening.
async fn try_ports(
    there: &[&Candidate<'_>],
    known: &BTreeMap<&str, Facts>,
) -> BTreeMap<Probe, Answer> {
    let roles: Vec<(&str, Role, bool)> = there
        .iter()
        .map(|c| (c.name, c.needs.role, c.bare))
        .collect();
    let wanted = probes(&roles);
    if wanted.is_empty() {
        return BTreeMap::new();
    }
    let deaf: BTreeMap<&str, bool> = join_all(there.iter().map(|candidate| async {
        let listens = listen(candidate, &wanted, known.get(candidate.name)).await;
        (candidate.name, listens.is_err())
    }))
    .await
    .into_iter()
    .collect();

    let addresses: BTreeMap<&str, &Candidate<'_>> = there.iter().map(|c| (c.name, *c)).collect();
    let tried = join_all(
        there
            .iter()
            .map(|candidate| connect(candidate, &wanted, &addresses)),
    )
    .await;
    join_all(there.iter().filter(|c| c.bare).map(|candidate| async {
        if let Ok(machine) = &candidate.machine {
            // It ends by itself all the same, ten seconds after it began.
            let _ = machine.read(LISTEN, &["stop"], Vec::new(), PATIENCE).await;
        }
    }))
    .await;

    let mut answers: BTreeMap<Probe, Answer> = tried.into_iter().flatten().collect();
    for (probe, answer) in &mut answers {
        let Some(to) = addresses.get(probe.to.as_str()) else {
            continue;
        };
        let taken = known
            .get(to.name)
            .is_some_and(|facts| facts.listens.iter().any(|(port, _)| *port == probe.port));
        // Where something else listens, or nothing of ours can, a refusal says nothing about the way. An installed
        // machine may be stopped: that it answers at all is enough.
        let no_listener = !to.bare || taken || deaf.get(to.name).is_some_and(|deaf| *deaf);
        if *answer == Answer::Refused && no_listener {
            *answer = Answer::NotTried;
        }
    }
    answers
}

async fn listen(
    candidate: &Candidate<'_>,
    wanted: &[Probe],
    facts: Option<&Facts>,
) -> Result<(), ()> {
    let (true, Ok(machine), Some(facts)) = (candidate.bare, &candidate.machine, facts) else {
        return Err(());
    };
    let mut ports: Vec<u16> = wanted
        .iter()
        .filter(|p| p.to == candidate.name)
        .map(|p| p.port)
        .filter(|port| !facts.listens.iter().any(|(taken, _)| taken == port))
        .collect();
    ports.sort_unstable();
    ports.dedup();
    if ports.is_empty() || !facts.lacks.is_empty() {
        return Err(());
    }
    let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
    let mut arguments = vec![candidate.address];
    arguments.extend(ports.iter().map(String::as_str));
    let listening = machine.read(LISTEN, &arguments, Vec::new(), PATIENCE).await;
    listening.map(|_| ()).map_err(|_| ())
}

async fn connect(
    candidate: &Candidate<'_>,
    wanted: &[Probe],
    machines: &BTreeMap<&str, &Candidate<'_>>,
) -> Vec<(Probe, Answer)> {
    let own: Vec<&Probe> = wanted.iter().filter(|p| p.from == candidate.name).collect();
    let address = |probe: &Probe| machines.get(probe.to.as_str()).map_or("", |to| to.address);
    let mut input = String::new();
    for probe in &own {
        // Writing into a string cannot fail.
        let _ = writeln!(input, "{} {}", address(probe), probe.port);
    }
    let said = match &candidate.machine {
        Ok(machine) if !own.is_empty() => {
            machine.read(PROBE, &[], input.into_bytes(), PATIENCE).await
        }
        _ => return Vec::new(),
    };
    let Ok(output) = said else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&output.stdout);
    if !text.ends_with("end\n") {
        return Vec::new();
    }
    let lines: std::collections::BTreeSet<&str> = text.lines().collect();
    own.into_iter()
        .map(|probe| {
            let has = |word| lines.contains(&*format!("{word} {} {}", address(probe), probe.port));
            let answer = if has("open") {
                Answer::Open
            } else if has("refused") {
                Answer::Refused
            } else {
                Answer::Silence
            };
            (probe.clone(), answer)
        })
        .collect()
}
