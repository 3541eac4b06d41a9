//! `events`.

use std::process::ExitCode;

use crate::cli::{EventsArgs, PlanOutput};
use crate::commands::table::table;
use crate::commands::{ask, pretty, print, unexpected};
use crate::failure::Failure;
use crate::local::{Request, Response};
use crate::view::age;

pub(super) fn run(args: &EventsArgs) -> Result<ExitCode, Failure> {
    let Response::Events { now, events } = ask(
        &args.at,
        Request::Events {
            about: args.about.clone(),
        },
    )?
    else {
        return Err(unexpected());
    };
    if args.output == PlanOutput::Json {
        print(&pretty(&events)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = events
        .iter()
        .map(|recorded| {
            let event = &recorded.event;
            let kind = event
                .regarding
                .kind
                .trim_start_matches("OpenVidu")
                .to_lowercase();
            let times = if recorded.count > 1 {
                format!(" (x{})", recorded.count)
            } else {
                String::new()
            };
            vec![
                age(now - recorded.last.as_millisecond()),
                format!("{:?}", event.event_type),
                event.reason.clone(),
                format!("{kind}/{}", event.regarding.key.name),
                format!("{}{times}", event.note),
            ]
        })
        .collect();
    print(&table(&["LAST", "TYPE", "REASON", "OBJECT", "NOTE"], &rows))?;
    Ok(ExitCode::SUCCESS)
}
