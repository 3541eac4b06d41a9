//! What the script says that looks at OpenVidu.

use std::collections::BTreeMap;

use ovo_model::{Container, SignalMarker, UnitState};

/// How OpenVidu is on one machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// Its unit.
    pub(super) unit: UnitState,
    /// Its containers; `None` when the engine did not tell.
    pub(super) containers: Option<Vec<Container>>,
    /// The code with which the profile's health probe was answered; 0: not at all.
    pub(super) health: u16,
}

impl Look {
    /// What a whole answer says. `drained` names the containers that take the drain signal.
    ///
    /// # Errors
    /// Why it is not whole.
    pub(super) fn parse(text: &str, drained: &[&str]) -> Result<Self, String> {
        let (mut look, mut list, mut markers) = (Self::default(), Vec::new(), BTreeMap::new());
        for line in text.lines() {
            let (name, value) = line.split_once(' ').unwrap_or((line, ""));
            match name {
                "unit.ActiveState" => {
                    look.unit.active = matches!(
                        value,
                        "active" | "activating" | "deactivating" | "reloading"
                    );
                }
                "unit.UnitFileState" => look.unit.enabled = value == "enabled",
                "container" => {
                    list.push(container(value, drained).ok_or_else(|| format!("{line:?}"))?);
                }
                "containers" => {
                    look.containers = (value == "listed").then(|| std::mem::take(&mut list));
                }
                "marker" => {
                    let (of, age) = marker(value).ok_or_else(|| format!("{line:?}"))?;
                    markers.insert(of, age);
                }
                "health" => look.health = value.parse().unwrap_or(0),
                "end" => {
                    for container in look.containers.iter_mut().flatten() {
                        let of = (container.id.as_str(), container.started_at.as_str());
                        container.marker = markers.get(&of).copied();
                    }
                    return Ok(look);
                }
                _ => return Err(format!("{line:?}")),
            }
        }
        Err("its end is missing".to_owned())
    }
}

/// `ID@STARTED AGE`, the age in milliseconds. A clock that was set back makes a marker no older than new.
fn marker(text: &str) -> Option<((&str, &str), SignalMarker)> {
    let (of, age) = text.split_once(' ')?;
    let age_ms = age.parse::<i64>().ok()?.max(0);
    Some((of.split_once('@')?, SignalMarker { age_ms }))
}

/// Whether the engine would start a container again that exited after SIGQUIT. By Docker's own rules: whoever sends a
/// container its stop signal (or, where it names none, any signal) calls off the next restart, and `unless-stopped` counts
/// every signal as a stop; else `on-failure` looks at the exit code alone. What was called off is forgotten when the engine
/// itself restarts, and then `always` starts everything.
fn revived(policy: &str, stop_signal: &str) -> bool {
    match policy {
        "always" => true,
        "on-failure" => !matches!(stop_signal, "none" | "SIGQUIT" | "QUIT" | "3"),
        _ => false,
    }
}

/// `/NAME ID STARTED RUNNING POLICY SIGNAL AGENT`, where AGENT may be empty.
fn container(text: &str, drained: &[&str]) -> Option<Container> {
    let mut words = text.split(' ');
    let mut word = || words.next();
    let name = word()?.trim_start_matches('/').to_owned();
    let (id, started_at) = (word()?.to_owned(), word()?.to_owned());
    let running = word()? == "true";
    let (policy, stop_signal) = (word()?, word()?);
    let agent = word().is_some_and(|label| label == "true");
    Some(Container {
        drained: agent || drained.contains(&name.as_str()),
        name,
        id,
        started_at,
        running,
        revived_by_engine: revived(policy, stop_signal),
        marker: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "unit.ActiveState active\nunit.UnitFileState enabled\n\
        container /openvidu abc 2026-06-03T08:00:00Z true unless-stopped none \n\
        container /agent-speech def 2026-06-03T08:00:00Z false always none true\n\
        container /caddy ghi 2026-06-03T08:00:00Z true unless-stopped none \n\
        containers listed\nmarker abc@2026-06-03T08:00:00Z 1500\nmarker ghi@2026-06-02T08:00:00Z 9\nhealth 200\nend\n";

    #[test]
    fn a_whole_answer() {
        let look = Look::parse(WHOLE, &["openvidu", "egress"]).unwrap();
        assert!(look.unit.active && look.unit.enabled && look.health == 200);
        let list = look.containers.unwrap();
        let drained: Vec<_> = list
            .iter()
            .map(|c| (&*c.name, c.drained, c.running))
            .collect();
        assert_eq!(
            drained,
            [
                ("openvidu", true, true),
                ("agent-speech", true, false),
                ("caddy", false, true)
            ]
        );
        assert!(list[1].revived_by_engine && !list[0].revived_by_engine);
        // A marker is of one start of one container.
        let marked: Vec<_> = list.iter().map(|c| c.marker.map(|m| m.age_ms)).collect();
        assert_eq!(marked, [Some(1_500), None, None]);
    }

    #[test]
    fn what_docker_starts_again() {
        for (policy, stop_signal, again) in [
            ("no", "none", false),
            ("unless-stopped", "SIGTERM", false),
            ("on-failure", "none", false),
            ("on-failure", "SIGQUIT", false),
            ("on-failure", "SIGTERM", true),
            ("always", "none", true),
        ] {
            assert_eq!(
                revived(policy, stop_signal),
                again,
                "{policy} {stop_signal}"
            );
        }
    }

    #[test]
    fn no_part_of_an_answer_is_an_answer_and_silence_is_not_none() {
        for length in 0..WHOLE.len() - "nd\n".len() {
            Look::parse(&WHOLE[..length], &[]).unwrap_err();
        }
        let silent = Look::parse("containers unknown\nhealth 000\nend\n", &[]).unwrap();
        assert_eq!((silent.containers, silent.health), (None, 0));
    }
}
