//! `drain`, `undrain`, `force`, `protect`, `delete`: written down here, done by whoever serves.

use std::path::Path;
use std::process::ExitCode;

use crate::cli::At;
use crate::commands::{ask, print, unexpected};
use crate::failure::Failure;
use crate::local::{Client, Request, Response};

pub(super) fn run(at: &At, request: Request) -> Result<ExitCode, Failure> {
    let Some(dir) = &at.dir else {
        let Response::Done { message } = ask(at, request)? else {
            return Err(unexpected());
        };
        print(&format!("{message}\n"))?;
        return Ok(ExitCode::SUCCESS);
    };
    let mut client = Client::connect(dir)?;
    let served = matches!(client, Client::Server { .. });
    let Response::Done { message } = client.ask(request)? else {
        return Err(unexpected());
    };
    print(&format!("{message}\n"))?;
    if !served {
        eprintln!(
            "nobody serves {}: it is done once somebody does",
            dir.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn simulate(dir: &Path, cluster: String, script: &str) -> Result<ExitCode, Failure> {
    let script = serde_json::from_str(script)
        .map_err(|error| Failure::Usage(format!("the script: {error}")))?;
    let request = Request::Simulate {
        cluster,
        script: Box::new(script),
    };
    let Response::Done { message } = Client::connect(dir)?.ask(request)? else {
        return Err(unexpected());
    };
    print(&format!("{message}\n"))?;
    Ok(ExitCode::SUCCESS)
}
