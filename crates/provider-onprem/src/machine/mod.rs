//! What a machine can do for one deployment.
//!
//! Everything of a deployment on a machine is listed under `/var/lib/openvidu-operator/<infrastructure id>/resources`,
//! a folder each: its kind and name, what it was last brought to, and for a job its result. The list is written before
//! the thing itself, so nothing of ours is ever there unlisted; what is found under a name that is not listed is
//! somebody else's and is left alone. The last thing that goes takes all of it away.
//!
//! Every change is one script: it takes in all it needs, then takes the machine's lock, compares and sets the epoch, and
//! changes things each by a rename. Ended anywhere, it has changed something wholly or not at all, and run again it
//! goes on from there.

mod facts;
mod files;
mod health;
mod jobs;
mod name;
mod refusal;
mod units;

use std::sync::Arc;
use std::time::Duration;

use ovo_model::ProviderError;

use crate::ssh::{Command, Link, Output, SshError, Stream};

pub use facts::{Facts, Found, Inventory};
pub use files::FileSpec;
pub use health::Health;
pub use jobs::{JobSpec, JobState};
pub use name::{
    FILE, JOB, MAX_TARGET, RecordKey, UNIT, check_job, check_mode, check_owner, check_path,
    check_unit,
};
pub use units::{UnitChange, UnitSwitch};

const PRELUDE: &str = include_str!("../scripts/prelude.sh");

/// Files up to this size are read back whole and compared byte by byte; a larger one shows as its SHA-256. Beyond it
/// nothing is written either. 256 KiB: no configuration file of OpenVidu's comes near it.
pub const CONTENT_LIMIT: usize = 256 << 10;

/// One machine, on behalf of one deployment.
#[derive(Clone, Debug)]
pub struct Machine {
    link: Arc<Link>,
    id: Arc<str>,
}

impl Machine {
    /// The machine at the end of this link, for the deployment with this infrastructure id.
    pub const fn new(link: Arc<Link>, infrastructure_id: Arc<str>) -> Self {
        Self {
            link,
            id: infrastructure_id,
        }
    }

    /// The machine's name in the manifest.
    pub fn name(&self) -> &str {
        &self.link.access().name
    }

    /// Opens a stream to one of its TCP ports, as [`Link::dial`] does.
    ///
    /// # Errors
    /// Why there is no way.
    pub async fn dial(&self, port: u16) -> Result<Box<dyn Stream>, SshError> {
        self.link.dial(port).await
    }

    /// Runs a script of ours and takes its refusals for what they mean.
    async fn script(
        &self,
        script: &str,
        epoch: i64,
        arguments: &[&str],
        input: Vec<u8>,
    ) -> Result<Output, ProviderError> {
        let command = self.command(script, epoch, arguments, input);
        self.answer(self.link.run(&command).await?)
    }

    /// Runs a script that changes nothing, for as long as it takes within `limit`.
    pub(crate) async fn read(
        &self,
        script: &str,
        arguments: &[&str],
        input: Vec<u8>,
        limit: Duration,
    ) -> Result<Output, ProviderError> {
        let command = self.command(script, 0, arguments, input);
        self.answer(self.link.run_within(&command, limit).await?)
    }

    /// Runs a script that changes something and needs nothing on standard input.
    pub(crate) async fn act(
        &self,
        script: &str,
        arguments: &[&str],
        epoch: i64,
    ) -> Result<Output, ProviderError> {
        self.script(script, epoch, arguments, Vec::new()).await
    }

    fn command(&self, script: &str, epoch: i64, arguments: &[&str], input: Vec<u8>) -> Command {
        let command = Command::new(format!("{PRELUDE}\n{script}"))
            .arg(&*self.id)
            .arg(epoch.to_string());
        let all = arguments.iter();
        all.fold(command, |command, argument| command.arg(*argument))
            .reads(input)
    }

    fn answer(&self, output: Output) -> Result<Output, ProviderError> {
        match output.code {
            0 => Ok(output),
            code => Err(refusal::classify(self.name(), code, &output)),
        }
    }
}

/// The parts of a script's input, each with its length before it: what was cut off on the way is noticed.
fn parts(parts: &[&[u8]]) -> Vec<u8> {
    let mut input = Vec::new();
    for part in parts {
        input.extend_from_slice(part.len().to_string().as_bytes());
        input.push(b'\n');
        input.extend_from_slice(part);
    }
    input
}
