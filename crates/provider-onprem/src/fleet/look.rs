//! What the script says that looks at OpenVidu.

use ovo_model::{Container, UnitState};

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
        let (mut look, mut list) = (Self::default(), Vec::new());
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
                "health" => look.health = value.parse().unwrap_or(0),
                "end" => return Ok(look),
                _ => return Err(format!("{line:?}")),
            }
        }
        Err("its end is missing".to_owned())
    }
}

/// `/NAME ID STARTED RUNNING POLICY AGENT`, where AGENT may be empty.
fn container(text: &str, drained: &[&str]) -> Option<Container> {
    let mut words = text.split(' ');
    let mut word = || words.next();
    let name = word()?.trim_start_matches('/').to_owned();
    let (id, started_at) = (word()?.to_owned(), word()?.to_owned());
    let running = word()? == "true";
    let policy = word()?;
    let agent = word().is_some_and(|label| label == "true");
    Some(Container {
        drained: agent || drained.contains(&name.as_str()),
        name,
        id,
        started_at,
        running,
        // `on-failure` leaves alone what exits well, `unless-stopped` what was told to stop; a drained server does both.
        revived_by_engine: policy == "always",
        marker: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "unit.ActiveState active\nunit.UnitFileState enabled\n\
        container /openvidu abc 2026-06-03T08:00:00Z true unless-stopped \n\
        container /agent-speech def 2026-06-03T08:00:00Z false always true\n\
        container /caddy ghi 2026-06-03T08:00:00Z true unless-stopped \n\
        containers listed\nhealth 200\nend\n";

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
