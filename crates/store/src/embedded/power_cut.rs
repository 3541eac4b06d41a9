//! What is left of the database when the power goes: every acknowledged write, wherever it goes.
//!
//! The disk is a model: it keeps what was synced, any part of what was written since, sectors torn.

use std::io::{Error, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex};

use redb::StorageBackend;

use crate::conformance::fixture;
use crate::embedded::disk::Disk;
use crate::embedded::image::Change;
use crate::key::ObjectKey;

/// A disk writes sectors whole.
const SECTOR: usize = 512;
const COMMITS: usize = 40;
const CUTS: usize = 600;

/// One call to the disk.
#[derive(Clone, Debug)]
enum Call {
    Write(usize, Vec<u8>),
    Resize(usize),
    Sync,
}

/// A disk that remembers all calls.
#[derive(Clone, Debug, Default)]
struct Recorder {
    state: Arc<Mutex<(Vec<u8>, Vec<Call>)>>,
}

impl Recorder {
    /// A disk that holds this.
    fn holding(bytes: Vec<u8>) -> Self {
        Self {
            state: Arc::new(Mutex::new((bytes, Vec::new()))),
        }
    }

    fn call(&self, call: Call) {
        let mut state = self.state.lock().unwrap();
        call.apply(&mut state.0);
        state.1.push(call);
    }

    fn calls(&self) -> Vec<Call> {
        self.state.lock().unwrap().1.clone()
    }
}

impl Call {
    fn apply(&self, disk: &mut Vec<u8>) {
        match self {
            Self::Write(at, data) => {
                if disk.len() < at + data.len() {
                    disk.resize(at + data.len(), 0);
                }
                disk[*at..at + data.len()].copy_from_slice(data);
            }
            Self::Resize(length) => disk.resize(*length, 0),
            Self::Sync => {}
        }
    }
}

impl StorageBackend for Recorder {
    fn len(&self) -> Result<u64, Error> {
        Ok(self.state.lock().unwrap().0.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        let at = usize::try_from(offset).unwrap();
        let state = self.state.lock().unwrap();
        let bytes = state
            .0
            .get(at..at + out.len())
            .ok_or_else(|| Error::from(ErrorKind::UnexpectedEof))?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), Error> {
        self.call(Call::Resize(usize::try_from(len).unwrap()));
        Ok(())
    }

    fn sync_data(&self) -> Result<(), Error> {
        self.call(Call::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        self.call(Call::Write(usize::try_from(offset).unwrap(), data.to_vec()));
        Ok(())
    }
}

fn open(disk: &Recorder) -> Disk {
    let disk = disk.clone();
    let opener = Box::new(move |builder: &redb::Builder| builder.create_with_backend(disk.clone()));
    Disk::open_with(Path::new("store.redb"), 0, opener)
        .unwrap()
        .0
}

/// A record that grows, so that the file does too.
fn change(number: usize) -> Vec<Change> {
    let cluster = ObjectKey::new("video", "demo");
    let mut node = fixture::node(&cluster, &format!("w{}", number % 10));
    node.status.get_or_insert_default().reason = "x".repeat(number * 500);
    let bytes = serde_json::to_vec(&node).unwrap();
    vec![Change::Node(
        ObjectKey::of(&node),
        Some(Arc::new(node)),
        bytes,
    )]
}

/// What a power cut after `calls` leaves: all that was synced, and any part of the rest.
fn after_a_cut(calls: &[Call], random: &mut fastrand::Rng) -> Vec<u8> {
    let synced = calls
        .iter()
        .rposition(|call| matches!(call, Call::Sync))
        .map_or(0, |at| at + 1);
    let mut disk = Vec::new();
    for call in &calls[..synced] {
        call.apply(&mut disk);
    }
    // Now and then all of it got there: the effect without the acknowledgement.
    let all = random.u8(0..4) == 0;
    for call in &calls[synced..] {
        match call {
            Call::Write(at, data) => {
                for (index, sector) in data.chunks(SECTOR).enumerate() {
                    if all || random.bool() {
                        Call::Write(at + index * SECTOR, sector.to_vec()).apply(&mut disk);
                    }
                }
            }
            Call::Resize(_) if all || random.bool() => call.apply(&mut disk),
            Call::Resize(_) | Call::Sync => {}
        }
    }
    disk
}

#[test]
fn every_acknowledged_write_survives() {
    let recorder = Recorder::default();
    let mut disk = open(&recorder);
    // How many calls the disk had seen when each commit was acknowledged.
    let mut acknowledged = vec![recorder.calls().len()];
    for number in 1..=COMMITS {
        disk.commit(&change(number), number as u64).unwrap();
        acknowledged.push(recorder.calls().len());
    }
    let calls = recorder.calls();
    let mut random = fastrand::Rng::with_seed(20_271_114);
    let mut beyond = 0;
    for _ in 0..CUTS {
        let cut = random.usize(acknowledged[0]..=calls.len());
        let left = Recorder::holding(after_a_cut(&calls[..cut], &mut random));
        let promised = acknowledged.iter().rposition(|seen| *seen <= cut).unwrap() as u64;
        let found = open(&left).commits();
        assert!(
            found == promised || found == promised + 1,
            "{found} commits are there, {promised} were acknowledged, cut at call {cut}"
        );
        beyond += found - promised;
    }
    assert!(
        beyond > 0,
        "no cut fell between the effect and its acknowledgement"
    );
}
