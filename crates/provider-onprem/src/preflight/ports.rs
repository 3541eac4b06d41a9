//! Ways between machines.

use std::collections::BTreeMap;

use ovo_api::act::Role;
use ovo_api::profile::releases;
use ovo_api::spec::PreflightCheck;

use super::finding::{Check, Finding};

/// A connection that OpenVidu will make.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probe {
    /// Name of the machine that connects.
    pub from: String,
    /// Name of the machine that listens.
    pub to: String,
    /// TCP port.
    pub port: u16,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// It was reached.
    Open,
    /// Somebody said no: the machine itself, or a firewall.
    Refused,
    /// Nobody said anything.
    Silence,
    /// It could not be tried, because of something that is another finding.
    NotTried,
}

/// Every connection between these machines (name, role, whether it is still bare) that concerns a bare one.
pub fn probes(machines: &[(&str, Role, bool)]) -> Vec<Probe> {
    let mut probes = Vec::new();
    for (from, from_role, from_bare) in machines {
        for (to, to_role, to_bare) in machines {
            if from == to || !from_bare && !to_bare {
                continue;
            }
            probes.extend(
                releases::ports_between(*from_role, *to_role)
                    .iter()
                    .map(|port| Probe {
                        from: (*from).to_owned(),
                        to: (*to).to_owned(),
                        port: *port,
                    }),
            );
        }
    }
    probes
}

/// The machines that are not reached as they should be, by the name of the one that should be reached.
pub fn judge_ports(answers: &BTreeMap<Probe, Answer>) -> Vec<(String, Finding)> {
    let mut closed: BTreeMap<(&str, Answer, &str), Vec<u16>> = BTreeMap::new();
    for (probe, answer) in answers {
        if matches!(answer, Answer::Refused | Answer::Silence) {
            let key = (probe.to.as_str(), *answer, probe.from.as_str());
            closed.entry(key).or_default().push(probe.port);
        }
    }
    // Who misses the same ports is told in one line.
    let mut lines: BTreeMap<(&str, Answer, Vec<u16>), Vec<&str>> = BTreeMap::new();
    for ((to, answer, from), ports) in closed {
        lines.entry((to, answer, ports)).or_default().push(from);
    }
    lines
        .into_iter()
        .map(|((to, answer, ports), from)| {
            let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
            let how = match answer {
                Answer::Refused => "is refused",
                _ => "gets no answer",
            };
            let problem = format!("{} {how} at TCP {}", from.join(", "), ports.join(", "));
            let way_out = "open these ports in the firewalls between them";
            let check = Check::Of(PreflightCheck::Ports);
            (to.to_owned(), Finding::new(check, problem, way_out))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(from: &str, to: &str, port: u16) -> Probe {
        Probe {
            from: from.to_owned(),
            to: to.to_owned(),
            port,
        }
    }

    #[test]
    fn only_what_concerns_a_bare_machine_is_tried() {
        let all = probes(&[
            ("m1", Role::Master, false),
            ("m2", Role::Master, false),
            ("w1", Role::Media, true),
        ]);
        assert!(all.iter().all(|p| p.from == "w1" || p.to == "w1"));
        assert!(all.contains(&probe("m1", "w1", 7880)) && all.contains(&probe("w1", "m2", 7000)));
        let media = probes(&[("w1", Role::Media, true), ("w2", Role::Media, true)]);
        assert_eq!(media, []);
    }

    #[test]
    fn who_misses_the_same_is_told_in_one_line() {
        let answers = BTreeMap::from([
            (probe("m1", "w1", 7880), Answer::Silence),
            (probe("m2", "w1", 7880), Answer::Silence),
            (probe("m1", "w1", 8080), Answer::Open),
            (probe("w1", "m1", 7000), Answer::Refused),
            (probe("w1", "m1", 7001), Answer::NotTried),
        ]);
        let said: Vec<_> = judge_ports(&answers)
            .into_iter()
            .map(|(to, f)| format!("{to}: {}", f.problem))
            .collect();
        assert_eq!(
            said,
            [
                "m1: w1 is refused at TCP 7000",
                "w1: m1, m2 gets no answer at TCP 7880"
            ]
        );
    }
}
