//! The world on disk: a checkpoint, and what came in since.
//!
//! One file of lines, each `<digest> <JSON>`. The first is a whole world, the others are inputs with the time
//! at which they came. An input is appended before it takes effect, so whatever was answered is on disk; a
//! last line that is not whole was never answered, and is dropped. Time that passes is not written: the world
//! is advanced when the file is opened, so what would have happened while nobody looked has happened.
//!
//! A line is handed to the operating system, not forced to the disk: it survives the death of this process,
//! not a power cut. It is a simulation.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ovo_model::Wall;
use ovo_world::{Input, World};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// After so many inputs the file is written anew, as one checkpoint.
const INPUTS_PER_CHECKPOINT: usize = 1_000;
/// The format in which this release writes.
const FORMAT_VERSION: u32 = 1;

/// Why a simulated world cannot be read or written.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The file system said no.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not what this program writes.
    #[error("{path}, line {line}: {why}; move the file away to begin with a new world")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// Why.
        why: String,
    },
    /// A newer release wrote it.
    #[error(
        "{path}: written in format {found}, this release reads up to {FORMAT_VERSION}; use the newer release, or move the file away"
    )]
    TooNew {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
}

#[derive(Serialize, Deserialize)]
enum Line {
    /// A whole world, as JSON in JSON: its format is read before what it holds is believed.
    Checkpoint {
        format: u32,
        world: String,
    },
    Input {
        at: Wall,
        input: Box<Input>,
    },
}

/// The file behind a served world.
#[derive(Debug)]
pub struct SimJournal {
    path: PathBuf,
    file: File,
    /// How much of the file is whole lines.
    whole: u64,
    since_checkpoint: usize,
}

impl SimJournal {
    /// Opens the world in this file and advances it to `now`; a file that is not there is begun with the
    /// world that `begin` makes.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is damaged elsewhere than at its end.
    pub fn open(
        path: &Path,
        now: Wall,
        begin: impl FnOnce() -> World,
    ) -> Result<(World, Self), JournalError> {
        let world = match fs::read(path) {
            Ok(bytes) => Self::replay(path, &bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => {
                return Err(JournalError::File {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        let mut world = world.unwrap_or_else(begin);
        world.advance_to(now);
        let (file, whole) = write_checkpoint(path, &world)?;
        let journal = Self {
            path: path.to_owned(),
            file,
            whole,
            since_checkpoint: 0,
        };
        Ok((world, journal))
    }

    fn replay(path: &Path, bytes: &[u8]) -> Result<Option<World>, JournalError> {
        let damaged = |line: usize, why: String| JournalError::Damaged {
            path: path.to_owned(),
            line,
            why,
        };
        let mut world: Option<World> = None;
        let mut lines = bytes
            .split_inclusive(|byte| *byte == b'\n')
            .enumerate()
            .peekable();
        while let Some((number, line)) = lines.next() {
            let last = lines.peek().is_none();
            let parsed = match parse(line) {
                Ok(parsed) => parsed,
                // Torn while it was written: nobody was told that it took effect.
                Err(_) if last && !line.ends_with(b"\n") => break,
                Err(why) => return Err(damaged(number + 1, why)),
            };
            match (parsed, &mut world) {
                (Line::Checkpoint { format, .. }, _) if format > FORMAT_VERSION => {
                    return Err(JournalError::TooNew {
                        path: path.to_owned(),
                        found: format,
                    });
                }
                (Line::Checkpoint { world: stored, .. }, None) => {
                    let stored = serde_json::from_str(&stored);
                    world = Some(stored.map_err(|error| damaged(number + 1, error.to_string()))?);
                }
                (Line::Checkpoint { .. }, Some(_)) => {
                    return Err(damaged(number + 1, "a second checkpoint".to_owned()));
                }
                (Line::Input { at, input }, Some(world)) => {
                    world.advance_to(at);
                    world.apply(&input);
                }
                (Line::Input { .. }, None) => {
                    return Err(damaged(number + 1, "no checkpoint before it".to_owned()));
                }
            }
        }
        Ok(world)
    }

    /// Writes an input down.
    ///
    /// # Errors
    /// When the file system says no: then the input must not take effect.
    pub fn append(&mut self, at: Wall, input: &Input) -> Result<(), JournalError> {
        let line = encode(&Line::Input {
            at,
            input: Box::new(input.clone()),
        });
        let written = line.and_then(|line| {
            self.file.write_all(&line)?;
            Ok(line.len() as u64)
        });
        match written {
            Ok(length) => {
                self.whole += length;
                self.since_checkpoint += 1;
                Ok(())
            }
            Err(source) => {
                // Half a line must not end up in the middle. Where this fails too, the next line's digest will
                // tell.
                let _ = self.file.set_len(self.whole);
                Err(self.failed(source))
            }
        }
    }

    /// Writes the file anew, as one checkpoint, when enough came in.
    ///
    /// # Errors
    /// When the file system says no; the old file is whole then.
    pub fn checkpoint_if_due(&mut self, world: &World) -> Result<(), JournalError> {
        if self.since_checkpoint >= INPUTS_PER_CHECKPOINT {
            (self.file, self.whole) = write_checkpoint(&self.path, world)?;
            self.since_checkpoint = 0;
        }
        Ok(())
    }

    fn failed(&self, source: io::Error) -> JournalError {
        JournalError::File {
            path: self.path.clone(),
            source,
        }
    }
}

fn write_checkpoint(path: &Path, world: &World) -> Result<(File, u64), JournalError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let fresh = PathBuf::from(name);
    let write = || {
        let line = encode(&Line::Checkpoint {
            format: FORMAT_VERSION,
            world: serde_json::to_string(world)?,
        })?;
        let mut file = File::create(&fresh)?;
        file.write_all(&line)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        let file = OpenOptions::new().append(true).open(path)?;
        Ok((file, line.len() as u64))
    };
    write().map_err(|source| JournalError::File {
        path: path.to_owned(),
        source,
    })
}

fn encode(line: &Line) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(line)?;
    let mut bytes = format!("{:016x} ", digest(&json)).into_bytes();
    bytes.extend(json);
    bytes.push(b'\n');
    Ok(bytes)
}

fn parse(line: &[u8]) -> Result<Line, String> {
    let line = line.strip_suffix(b"\n").ok_or("it has no end")?;
    let (head, json) = line.split_at_checked(17).ok_or("it is too short")?;
    if head != format!("{:016x} ", digest(json)).as_bytes() {
        return Err("its digest does not match".to_owned());
    }
    serde_json::from_slice(json).map_err(|error| error.to_string())
}

/// FNV-1a, 64 bits: it finds a torn or flipped line, and is no protection from anybody.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
