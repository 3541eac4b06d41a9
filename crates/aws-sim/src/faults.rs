//! The switches with which a test makes the account difficult.

use std::collections::BTreeMap;
use std::time::Duration;

/// What happens to a request instead of being answered well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Refused with the service's throttling error; nothing was done.
    Throttled,
    /// Refused with HTTP 503; nothing was done.
    Unavailable,
    /// Refused with this code, for example `UnauthorizedOperation`; nothing was done.
    Refused(String),
    /// The connection ends before anything was done.
    LostBefore,
    /// It is done, and the connection ends without an answer.
    LostAfter,
    /// It is done, and the connection ends in the middle of the answer.
    CutAnswer,
}

/// When trouble strikes.
#[derive(Clone, Debug)]
pub struct Switch {
    /// Only this service, by its name in a signature.
    pub service: Option<String>,
    /// Only this operation.
    pub operation: Option<String>,
    /// So many matching requests pass first.
    pub after: usize,
    /// Then it strikes so often.
    pub times: usize,
    /// What happens.
    pub trouble: Trouble,
}

impl Switch {
    /// Strikes the next request of that operation, once.
    pub fn next(operation: &str, trouble: Trouble) -> Self {
        Self {
            service: None,
            operation: Some(operation.to_owned()),
            after: 0,
            times: 1,
            trouble,
        }
    }

    /// Strikes every request from now on.
    pub fn always(trouble: Trouble) -> Self {
        Self {
            service: None,
            operation: None,
            after: 0,
            times: usize::MAX,
            trouble,
        }
    }
}

/// All that is switched on.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    switches: Vec<Switch>,
    /// By service: what was created is not found for so long.
    pub unseen_for: BTreeMap<String, Duration>,
    /// No page has more items than this.
    pub page_size: Option<usize>,
}

impl Faults {
    /// Adds a switch. Of those that match a request, the first that strikes wins.
    pub fn add(&mut self, switch: Switch) {
        self.switches.push(switch);
    }

    /// Switches everything off.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// What happens to this request.
    pub(crate) fn strike(&mut self, service: &str, operation: &str) -> Option<Trouble> {
        let matches = |wanted: &Option<String>, name: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == name)
        };
        for switch in &mut self.switches {
            if switch.times == 0
                || !matches(&switch.service, service)
                || !matches(&switch.operation, operation)
            {
                continue;
            }
            if switch.after > 0 {
                switch.after -= 1;
                continue;
            }
            switch.times -= 1;
            return Some(switch.trouble.clone());
        }
        None
    }
}
