//! User data as text, and the note by which a template's version tells what secrets it was made with.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// Version of the note. A newer one is not written over.
const FORMAT: u32 = 1;

/// Lines by their keys. Every value is kept as a secret: some are.
pub(crate) type Lines = BTreeMap<String, SecretString>;

/// `KEY=VALUE | \` on each line: the form that the masters' boot script reads.
pub(crate) fn text(lines: &Lines) -> SecretString {
    let lines: Vec<String> = lines
        .iter()
        .map(|(key, value)| format!("{key}={}", value.expose_secret()))
        .collect();
    SecretString::from(lines.join(" | \\\n"))
}

/// The lines of a text. What is no line is nothing.
pub(crate) fn lines(text: &SecretString) -> Lines {
    text.expose_secret()
        .lines()
        .filter_map(|line| {
            let line = line.trim_end_matches(['\\', '|', ' ']);
            let (key, value) = line.split_once('=')?;
            Some((key.trim().to_owned(), SecretString::from(value)))
        })
        .collect()
}

/// What is written on a version: which text it is about, and the digests of the secrets in that text. So the digests of
/// a version that somebody made from ours with other secrets are not believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Note {
    /// Keyed digests by the keys of the lines.
    pub(crate) digests: BTreeMap<String, String>,
}

/// What a note was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// Ours, and about this text.
    Note(Note),
    /// Nobody's, or about another text.
    Nothing,
    /// Of a newer release.
    TooNew(u32),
}

/// Whoever reads the note can read the text, too: the fingerprint shows nothing more.
fn fingerprint(text: &SecretString) -> String {
    let hash = Sha256::digest(text.expose_secret().as_bytes());
    HEXLOWER.encode(&hash[..8])
}

impl Note {
    /// As it is written on a version with this text. EC2 takes 255 characters.
    pub(crate) fn written(&self, text: &SecretString) -> String {
        let mut note = format!("{FORMAT} {}", fingerprint(text));
        for (key, digest) in &self.digests {
            note.extend([" ", key, "=", digest]);
        }
        note
    }

    /// What stands on a version with this text.
    pub(crate) fn read(note: &str, text: &SecretString) -> Read {
        let mut words = note.split(' ');
        let format = words.next().and_then(|word| word.parse::<u32>().ok());
        match format {
            Some(format) if format > FORMAT => return Read::TooNew(format),
            Some(_) => {}
            None => return Read::Nothing,
        }
        if words.next() != Some(fingerprint(text).as_str()) {
            return Read::Nothing;
        }
        let digests = words
            .filter_map(|word| word.split_once('='))
            .map(|(key, digest)| (key.to_owned(), digest.to_owned()));
        Read::Note(Self {
            digests: digests.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::user_data::SECRETS;

    fn some() -> Lines {
        [("A", "1"), ("B", "https://x:443/y")]
            .map(|(key, value)| (key.to_owned(), SecretString::from(value)))
            .into()
    }

    #[test]
    fn a_text_is_read_as_it_was_written() {
        let text = text(&some());
        assert_eq!(text.expose_secret(), "A=1 | \\\nB=https://x:443/y");
        let read = lines(&text);
        assert_eq!(read.len(), 2);
        for (key, value) in some() {
            assert_eq!(read[&key].expose_secret(), value.expose_secret());
        }
    }

    #[test]
    fn a_note_is_believed_only_with_its_text() {
        let digests = SECRETS.map(|key| (key.to_owned(), "0123456789abcdef".repeat(2)));
        let note = Note {
            digests: digests.into(),
        };
        let text = text(&some());
        let written = note.written(&text);
        assert!(written.len() <= 255, "EC2 takes 255: {}", written.len());
        assert_eq!(Note::read(&written, &text), Read::Note(note));
        let other = SecretString::from("A=2");
        assert_eq!(Note::read(&written, &other), Read::Nothing);
        assert_eq!(Note::read("made by hand", &text), Read::Nothing);
        assert_eq!(Note::read("2 whatever", &text), Read::TooNew(2));
    }
}
