//! Requests of a run, and what can go wrong with each.

use std::fmt;

use http::{Method, Uri};

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The operator dies before the request is sent.
    DiesBefore,
    /// The operator dies when the server has done it, before the answer comes.
    DiesAfter,
    /// The operator dies when it has half of the answer.
    DiesHalfWay,
    /// 409: somebody else was first.
    Conflict,
    /// 429: the server wants to be left alone for a second.
    Throttled,
    /// 500: the server failed, and did nothing.
    ServerError,
    /// The connection breaks before the server has seen anything.
    Dropped,
    /// The connection breaks after the server has done it.
    AnswerLost,
    /// The answer breaks off half-way.
    AnswerCut,
    /// No answer comes in time. The server gets the request later, just before the next change that the operator wants.
    Late,
    /// The connection breaks after the server has done it, and no watch tells of it, nor of anything else, until the
    /// operator has asked for a few more changes.
    Behind,
}

/// A request of a run: which, and the how-manieth of its like. Runs are compared by this and not by the number of the
/// request in the run: events are written by a task of their own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// Method and path below the namespace.
    pub request: String,
    /// Counted from 0.
    pub nth: usize,
}

/// How a request is named. `None` for what is no point: watches and the lists that they begin with, which come back when
/// they like and of which a new operator has its own.
pub fn named(method: &Method, uri: &Uri) -> Option<String> {
    let query = uri.query().unwrap_or_default();
    let mut pairs = query.split('&');
    if pairs.any(|pair| pair == "watch=true" || pair.starts_with("limit=")) {
        return None;
    }
    let (_, below) = uri.path().split_once("/namespaces/")?;
    let (_, path) = below.split_once('/')?;
    let mut parts = path.split('/');
    let (kind, object) = (parts.next()?, parts.next());
    // The first read of each kind is a point, whatever it is about; and an event's name is drawn by lot.
    if *method == Method::GET || kind == "events" {
        let one = if object.is_some() { "/*" } else { "" };
        return Some(format!("{method} {kind}{one}"));
    }
    Some(format!("{method} {path}"))
}

// === impl Fault ===

impl Fault {
    /// Whether the operator dies of it.
    pub const fn kills(self) -> bool {
        matches!(self, Self::DiesBefore | Self::DiesAfter | Self::DiesHalfWay)
    }
}

// === impl Point ===

impl Point {
    /// Whether it only reads.
    pub fn reads(&self) -> bool {
        self.request.starts_with("GET")
    }

    /// What can go wrong here. Only the first read of each kind is a point.
    pub fn faults(&self) -> &'static [Fault] {
        match (self.reads(), self.nth) {
            (false, _) => &[
                Fault::DiesBefore,
                Fault::DiesAfter,
                Fault::DiesHalfWay,
                Fault::Conflict,
                Fault::Throttled,
                Fault::ServerError,
                Fault::Dropped,
                Fault::AnswerLost,
                Fault::AnswerCut,
                Fault::Late,
                Fault::Behind,
            ],
            (true, 0) => &[
                Fault::DiesBefore,
                Fault::Throttled,
                Fault::ServerError,
                Fault::Dropped,
                Fault::AnswerCut,
            ],
            (true, _) => &[],
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.request, self.nth)
    }
}
