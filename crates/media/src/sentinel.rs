//! Who the primary is, by the masters' sentinels.

use std::collections::BTreeMap;

use futures::future::join_all;
use ovo_model::{NodeName, ProviderError};
use ovo_provider::{Dial, Target};
use redis::cmd;
use secrecy::SecretString;

use crate::connection::{At, Connection, Unread};
use crate::doors::{PRIMARY_NAME, SENTINEL_PORT};

/// What one sentinel says of the primary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Voice {
    /// The master that the sentinel runs on.
    of: NodeName,
    /// Address and port of the primary.
    primary: (String, u16),
    /// Its state, as the sentinel sees it: `master`, and what is wrong with it.
    flags: String,
}

/// Who is believed to be the primary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Primary {
    /// Enough sentinels say so.
    At {
        address: String,
        port: u16,
        voices: u32,
    },
    /// It changes, or is about to.
    Changing(String),
    /// Too few could be asked.
    Unknown(String),
}

/// Asks the sentinels of all masters at once. `quorum` is how many must agree.
pub(crate) async fn find(
    dial: &dyn Dial,
    target: &Target,
    masters: &[NodeName],
    password: &SecretString,
) -> Primary {
    let asked = masters.iter().map(|node| {
        let at = At {
            dial,
            target,
            node,
            what: "sentinel",
            port: SENTINEL_PORT,
        };
        async move { ask(&at, password).await }
    });
    let quorum = target.profile.quorum.of(masters.len());
    decide(join_all(asked).await, quorum)
}

async fn ask(at: &At<'_>, password: &SecretString) -> Result<Voice, ProviderError> {
    at.within(async {
        let mut connection = at.connect(password).await?;
        let voice = voice(at.node, &mut connection).await;
        voice.map_err(|why| at.unread(why.words()))
    })
    .await
}

async fn voice(of: &NodeName, connection: &mut Connection) -> Result<Voice, Unread> {
    let mut question = cmd("SENTINEL");
    question.arg("MASTER").arg(PRIMARY_NAME);
    let told: BTreeMap<String, String> = connection.ask(&question).await?;
    let field = |name: &str| {
        let value = told.get(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| Unread::Says(format!("its answer lacks {name}").into()))
    };
    let port = field("port")?.parse();
    let port = port.map_err(|_| Unread::Says("the primary's port is no port".into()))?;
    Ok(Voice {
        of: of.clone(),
        primary: (field("ip")?.clone(), port),
        flags: field("flags")?.clone(),
    })
}

/// Whom the sentinels name. One that leads a failover, or holds the primary to be down by common word, is believed alone: it
/// can only make us wait.
fn decide(asked: Vec<Result<Voice, ProviderError>>, quorum: usize) -> Primary {
    let of = asked.len();
    let (mut voices, mut silent) = (Vec::new(), Vec::new());
    for answer in asked {
        match answer {
            Ok(voice) => voices.push(voice),
            Err(error) => silent.push(error.to_string()),
        }
    }
    for voice in &voices {
        let mut flags = voice.flags.split(',');
        if let Some(flag) = flags.find(|flag| matches!(*flag, "failover_in_progress" | "o_down")) {
            let (address, node) = (&voice.primary.0, &voice.of);
            return Primary::Changing(match flag {
                "o_down" => {
                    format!("the sentinels hold the primary at {address} to be down ({node})")
                }
                _ => format!("the sentinel of {node} leads a failover from {address}"),
            });
        }
    }
    if voices.len() < quorum {
        let count = voices.len();
        return Primary::Unknown(format!(
            "{count} of {of} sentinels answer and {quorum} have to: {}",
            silent.join("; ")
        ));
    }
    let mut named: BTreeMap<&(String, u16), usize> = BTreeMap::new();
    for voice in &voices {
        *named.entry(&voice.primary).or_default() += 1;
    }
    if let Some(((address, port), count)) = named.iter().find(|(_, count)| **count >= quorum) {
        return Primary::At {
            address: address.clone(),
            port: *port,
            voices: u32::try_from(*count).unwrap_or(u32::MAX),
        };
    }
    let list: Vec<_> = named
        .iter()
        .map(|((address, _), count)| format!("{address} by {count}"))
        .collect();
    Primary::Changing(format!(
        "the sentinels do not agree who the primary is: {}",
        list.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "192.0.2.1";
    const TWO: &str = "192.0.2.2";

    #[allow(clippy::unnecessary_wraps)] // stands in lists beside silence
    fn voice(of: &str, address: &str, flags: &str) -> Result<Voice, ProviderError> {
        Ok(Voice {
            of: of.into(),
            primary: (address.to_owned(), 7000),
            flags: flags.to_owned(),
        })
    }

    fn silence() -> Result<Voice, ProviderError> {
        Err(ProviderError::Retryable("m4: nobody answers".to_owned()))
    }

    fn said(asked: Vec<Result<Voice, ProviderError>>) -> (&'static str, String) {
        match decide(asked, 3) {
            Primary::At {
                address, voices, ..
            } => ("at", format!("{address} by {voices}")),
            Primary::Changing(why) => ("changing", why),
            Primary::Unknown(why) => ("unknown", why),
        }
    }

    #[test]
    fn more_than_half_have_to_agree() {
        let three = |fourth| {
            vec![
                voice("m1", ONE, "master"),
                voice("m2", ONE, "master"),
                // What one sentinel alone believes is no common word.
                voice("m3", ONE, "master,s_down"),
                fourth,
            ]
        };
        assert_eq!(said(three(silence())), ("at", format!("{ONE} by 3")));
        let other = voice("m4", TWO, "master");
        assert_eq!(said(three(other)), ("at", format!("{ONE} by 3")));
    }

    #[test]
    fn a_minority_decides_nothing() {
        let two = vec![
            voice("m1", ONE, "master"),
            voice("m2", ONE, "master"),
            silence(),
            silence(),
        ];
        let (what, why) = said(two);
        assert!(what == "unknown" && why.contains("2 of 4"), "{what}: {why}");
        assert!(why.contains("m4: nobody answers"), "{why}");
        assert_eq!(said(vec![]).0, "unknown");
    }

    #[test]
    fn a_failover_shows_from_its_first_sign_to_its_last() {
        let three = || (1..=3).map(|n| voice(&format!("m{n}"), ONE, "master"));
        for flags in [
            "master,o_down",
            "s_down,master,failover_in_progress",
            "failover_in_progress",
        ] {
            let asked = three().chain([voice("m4", ONE, flags)]).collect();
            let (what, why) = said(asked);
            assert!(what == "changing" && why.contains("m4"), "{what}: {why}");
        }
        let split = vec![
            voice("m1", ONE, "master"),
            voice("m2", ONE, "master"),
            voice("m3", TWO, "master"),
            voice("m4", TWO, "master"),
        ];
        assert_eq!(said(split).0, "changing");
    }
}
