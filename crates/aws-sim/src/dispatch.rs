//! From a request to its operation, and from what became of it to an answer.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;

use crate::calls::Call;
use crate::faults::{Faults, Trouble};
use crate::region::{Region, Sight};
use crate::schema::{Protocol, Service};
use crate::settings::{Quotas, Timings};
use crate::value::Record;
use crate::wire::{self, Fault, Form, Scope};
use crate::{autoscaling, ec2, elasticache, elbv2};

/// What an operation does.
pub(crate) type Handler = fn(&mut Region, &Record) -> Result<Record, Fault>;

/// A service's table, and what its operations do.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) service: Service,
    pub(crate) handlers: BTreeMap<&'static str, Handler>,
}

/// The services by their names in a signature.
///
/// A table that cannot be read is a mistake in this crate: nothing can go on without it.
#[expect(
    clippy::expect_used,
    reason = "the tables are part of the program, and every test reads them"
)]
pub(crate) static DOORS: LazyLock<BTreeMap<String, Door>> = LazyLock::new(|| {
    [
        (
            include_str!("autoscaling/service.api"),
            autoscaling::HANDLERS,
        ),
        (include_str!("ec2/service.api"), ec2::HANDLERS),
        (include_str!("elbv2/service.api"), elbv2::HANDLERS),
        (
            include_str!("elasticache/service.api"),
            elasticache::HANDLERS,
        ),
    ]
    .into_iter()
    .map(|(table, handlers)| {
        // The tables are part of this program: every test that starts a simulator parses them all.
        let service = Service::parse(table).expect("a table of the simulator");
        let handlers = handlers.iter().copied().collect();
        (service.name.clone(), Door { service, handlers })
    })
    .collect()
});

/// A request, taken apart.
struct Asked<'a> {
    name: &'a str,
    version: &'a str,
    form: &'a Form,
    dry: bool,
}

/// What goes back over the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// An answer: HTTP status, request id, body.
    Whole(u16, String, String),
    /// Half of it.
    Half(u16, String, String),
    /// Nothing: the connection ends.
    Nothing,
}

/// The account.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) account: String,
    pub(crate) now: Timestamp,
    pub(crate) timings: Timings,
    pub(crate) quotas: Quotas,
    pub(crate) regions: BTreeMap<String, Region>,
    /// Images that others published, by region and id.
    pub(crate) published: BTreeMap<(String, String), String>,
    pub(crate) faults: Faults,
    pub(crate) calls: Vec<Call>,
}

impl State {
    pub(crate) fn region(&mut self, name: &str) -> &mut Region {
        let (account, now, timings, quotas) =
            (&self.account, self.now, &self.timings, &self.quotas);
        let published = &self.published;
        self.regions.entry(name.to_owned()).or_insert_with(|| {
            let mut region = Region::new(name, account, now, timings, quotas);
            region.published.clone_from(published);
            region
        })
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.now += by;
        for region in self.regions.values_mut() {
            region.advance_to(self.now);
        }
    }

    /// Answers a request.
    pub(crate) fn answer(&mut self, authorization: Option<&str>, body: &[u8]) -> Reply {
        let request_id = format!("00000000-0000-4000-8000-{:012}", self.calls.len() + 1);
        let Some(scope) = authorization.and_then(Scope::parse) else {
            return Reply::Whole(
                403,
                request_id,
                "<Response><Errors><Error><Code>MissingAuthenticationToken</Code><Message>Request is missing Authentication Token</Message></Error></Errors></Response>".to_owned(),
            );
        };
        let Some(door) = DOORS.get(&scope.service) else {
            let message = format!("the simulator has no service {}", scope.service);
            return Reply::Whole(501, request_id, message);
        };
        let mut form = Form::parse(body);
        let name = form.take("Action").unwrap_or_default();
        let version = form.take("Version").unwrap_or_default();
        let dry = form.take("DryRun").is_some_and(|dry| dry == "true");
        let trouble = self.faults.strike(&scope.service, &name);
        self.calls.push(Call {
            service: scope.service.clone(),
            operation: name.clone(),
            region: scope.region.clone(),
            error: None,
            answered: !matches!(
                trouble,
                Some(Trouble::LostBefore | Trouble::LostAfter | Trouble::CutAnswer)
            ),
        });
        let result = match &trouble {
            Some(Trouble::LostBefore) => return Reply::Nothing,
            Some(Trouble::Throttled) => Err(throttled(&door.service)),
            Some(Trouble::Unavailable) => Err(unavailable(&door.service)),
            Some(Trouble::Refused(code)) => Err(Fault::new(code, "refused by the test's switch")),
            _ => self.perform(
                door,
                &scope,
                &Asked {
                    name: &name,
                    version: &version,
                    form: &form,
                    dry,
                },
                &request_id,
            ),
        };
        let (status, body) = match result {
            Ok(body) => (200, body),
            Err(fault) => {
                if let Some(call) = self.calls.last_mut() {
                    call.error = Some(fault.code.clone());
                }
                let status = match &trouble {
                    // The test may name any code.
                    Some(Trouble::Refused(code)) => door.service.status(code).unwrap_or(400),
                    _ => status_of(&door.service, &name, &fault),
                };
                (
                    status,
                    wire::error(&door.service, &fault, status, &request_id),
                )
            }
        };
        match trouble {
            Some(Trouble::LostAfter) => Reply::Nothing,
            Some(Trouble::CutAnswer) => Reply::Half(status, request_id, body),
            _ => Reply::Whole(status, request_id, body),
        }
    }

    fn perform(
        &mut self,
        door: &Door,
        scope: &Scope,
        asked: &Asked<'_>,
        request_id: &str,
    ) -> Result<String, Fault> {
        let (service, name, version, form) = (&door.service, asked.name, asked.version, asked.form);
        let found = service.operations.get(name).zip(door.handlers.get(name));
        let Some((operation, handler)) = found.filter(|_| version == service.version) else {
            return Err(Fault::new(
                "InvalidAction",
                format!("the simulator has no operation {name} of version {version}"),
            ));
        };
        let input = wire::decode(service, &operation.input, form, "")?;
        if asked.dry {
            // EC2 alone has it.
            return Err(Fault::new(
                "DryRunOperation",
                "Request would have succeeded, but DryRun flag is set.",
            ));
        }
        let unseen_for = self.faults.unseen_for.get(&service.name).copied();
        let sight = Sight {
            unseen_for: unseen_for.unwrap_or_default(),
            page_size: self.faults.page_size,
        };
        let region = self.region(&scope.region);
        region.sight = sight;
        let output = handler(region, &input)?;
        Ok(wire::answer(service, operation, &output, request_id))
    }
}

/// # Panics
/// For a code that the operation's table does not have: the simulator would fail in a way that AWS does not document.
fn status_of(service: &Service, operation: &str, fault: &Fault) -> u16 {
    if let Some(status) = service.common.get(&fault.code) {
        return *status;
    }
    let declared = service
        .operations
        .get(operation)
        .is_some_and(|o| o.faults.contains(&fault.code));
    assert!(
        declared,
        "{operation} fails with {}, which is not in its table",
        fault.code
    );
    service.status(&fault.code).unwrap_or(400)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html> and each service's common errors.
fn throttled(service: &Service) -> Fault {
    match service.protocol {
        Protocol::Ec2 => Fault::new("RequestLimitExceeded", "Request limit exceeded."),
        Protocol::Query => Fault::new("Throttling", "Rate exceeded"),
    }
}

fn unavailable(service: &Service) -> Fault {
    match service.protocol {
        Protocol::Ec2 => Fault::new("Unavailable", "The server is overloaded."),
        Protocol::Query => Fault::new("ServiceUnavailable", "The server is overloaded."),
    }
}

#[cfg(test)]
mod tests {
    use super::DOORS;

    #[test]
    fn every_operation_of_a_table_is_done_and_every_one_done_is_in_a_table() {
        for (name, door) in DOORS.iter() {
            let declared: Vec<_> = door.service.operations.keys().map(String::as_str).collect();
            let done: Vec<_> = door.handlers.keys().copied().collect();
            assert_eq!(declared, done, "{name}");
        }
    }
}
