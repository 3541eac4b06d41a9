//! What the observing script says.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use data_encoding::BASE64;
use ovo_model::{Ownership, ProviderError, ResourceId};

use super::name::{RecordKey, id_of, target};
use super::{CONTENT_LIMIT, Machine};

const OBSERVE: &str = include_str!("../scripts/observe.sh");

/// Facts by name, as bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts(BTreeMap<String, Vec<u8>>);

/// One listed resource as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Kind and name.
    pub id: ResourceId,
    /// Whose it is.
    pub ownership: Ownership,
    /// All else about it.
    pub facts: Facts,
}

/// Everything of one deployment on one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// Changes with each boot.
    pub boot_id: String,
    /// The epoch of the last leader that changed something; 0 when nothing of ours is there.
    pub epoch: i64,
    /// The listed resources.
    pub found: Vec<Found>,
}

impl Machine {
    /// Reads everything of ours, and of what `should` be ours what is there and is not. An answer that is not whole
    /// is an error.
    ///
    /// # Errors
    /// [`ProviderError::Conflict`] for records in a newer format, else by what befell the command.
    pub async fn inventory(&self, should: &[ResourceId]) -> Result<Inventory, ProviderError> {
        let limit = CONTENT_LIMIT.to_string();
        let mut names = String::new();
        for id in should {
            // Writing into a string cannot fail.
            let _ = writeln!(
                names,
                "{} {} {}",
                RecordKey::of(id).as_str(),
                id.kind,
                target(id)
            );
        }
        let output = self
            .script(OBSERVE, 0, &[&limit], names.into_bytes())
            .await?;
        let inventory = parse(&output.stdout).map_err(|why| {
            ProviderError::Retryable(format!(
                "{}: an answer that is not whole: {why}",
                self.name()
            ))
        })?;
        match inventory.1.as_deref() {
            None | Some("1") => Ok(inventory.0),
            Some(format) => Err(ProviderError::Conflict(format!(
                "{}: FormatTooNew: its record was written in format {format}; run that version or a newer one",
                self.name()
            ))),
        }
    }
}

/// The inventory and the format it was written in.
fn parse(text: &[u8]) -> Result<(Inventory, Option<String>), String> {
    let text = std::str::from_utf8(text).map_err(|_| "it is not text".to_owned())?;
    let mut own = Facts::default();
    let mut found: Vec<(String, Facts)> = Vec::new();
    let mut lines = text.lines();
    let mut ended = false;
    for line in &mut lines {
        let mut words = line.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("resource"), Some(key), None) => found.push((key.to_owned(), Facts::default())),
            (Some("fact"), Some(name), Some(value)) => {
                let value = BASE64
                    .decode(value.as_bytes())
                    .map_err(|_| format!("fact {name}"))?;
                let facts = found.last_mut().map_or(&mut own, |(_, facts)| facts);
                facts.0.insert(name.to_owned(), value);
            }
            (Some("end"), None, None) => {
                ended = true;
                break;
            }
            _ => return Err("a line of no known form".to_owned()),
        }
    }
    if !ended || lines.next().is_some() {
        return Err("its end is missing".to_owned());
    }
    let found = found
        .into_iter()
        .map(|(key, facts)| {
            let kind = facts
                .text("kind")
                .ok_or_else(|| format!("{key} has no kind"))?;
            let target = facts
                .text("target")
                .ok_or_else(|| format!("{key} has no target"))?;
            let ownership = match facts.text("not-ours") {
                None => Ownership::Ours,
                Some(owner) if owner.is_empty() => Ownership::Unowned,
                Some(owner) => Ownership::Foreign(owner),
            };
            Ok(Found {
                id: id_of(&kind, &target),
                ownership,
                facts,
            })
        })
        .collect::<Result<_, String>>()?;
    let boot_id = own.text("boot").ok_or("the boot id is missing")?;
    let epoch = own.text("epoch").map_or(Ok(0), |epoch| {
        epoch.parse().map_err(|_| format!("epoch {epoch:?}"))
    })?;
    Ok((
        Inventory {
            boot_id,
            epoch,
            found,
        },
        own.text("format"),
    ))
}

impl Facts {
    /// A fact as it is.
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// A fact as text, without the line's end.
    pub fn text(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(self.bytes(name)?);
        Some(text.strip_suffix('\n').unwrap_or(&text).to_owned())
    }

    /// What systemd says of the unit: one of its properties.
    pub fn unit(&self, property: &str) -> String {
        self.text(&format!("unit.{property}")).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "fact boot Yg==\nfact epoch NA==\nresource File%3Ax\nfact kind RmlsZQ==\nfact target L3g=\nend\n";

    #[test]
    fn a_whole_answer() {
        let (inventory, format) = parse(WHOLE.as_bytes()).unwrap();
        assert_eq!(
            (inventory.boot_id.as_str(), inventory.epoch, format),
            ("b", 4, None)
        );
        assert_eq!(inventory.found.len(), 1);
        assert_eq!(inventory.found[0].id, ResourceId::new("File", "/x"));
        assert_eq!(inventory.found[0].ownership, Ownership::Ours);
    }

    /// Wherever an answer is cut off, it is not taken for a smaller one.
    #[test]
    fn no_part_of_an_answer_is_an_answer() {
        for length in 0..WHOLE.len() - 1 {
            parse(&WHOLE.as_bytes()[..length]).unwrap_err();
        }
        parse(format!("{WHOLE}fact boot Yg==\n").as_bytes()).unwrap_err();
        parse(b"motd: welcome\nfact boot Yg==\nend\n").unwrap_err();
    }
}
