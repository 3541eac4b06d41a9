//! The kit that tests any provider, over a list of resources.
//!
//! A backend's tests give a [`Bed`]: a real backend or a model of one, and a list of resources to make there.
//! [`run`] then asks what every provider owes: steps that can be repeated, nothing touched that is not ours,
//! incomplete reads that say so, errors in their classes, nothing left after deletion, and the same end
//! wherever the operator dies. The kit has a tiny planner of its own, so a fault of the real one hides nothing
//! here.

mod basics;
mod crash;
mod diff;
mod limits;
mod walk;

use std::fmt;
use std::future::Future;

use ovo_model::{Millis, Resource, Scalar, Step};

use crate::provider::{Provider, Target};
use crate::secrets::{NoSecrets, SecretSource};

/// A backend under test, and what is to be made there.
pub trait Bed: Send + Sync {
    /// The provider under test.
    type P: Provider;

    /// The deployment.
    fn target(&self) -> Target;

    /// A provider that has just begun and remembers nothing, over the same backend: the operator after a
    /// restart.
    fn provider(&self) -> impl Future<Output = Self::P> + Send;

    /// What is to be made, in an order in which it can be. Digests of secrets are filled in.
    fn resources(&self) -> Vec<Resource>;

    /// The same resources, with at least one value that can be changed in place changed.
    fn changed(&self) -> Vec<Resource>;

    /// The value with which a resource is made whose property only a planner decides.
    fn planned(&self, _resource: &Resource, _property: &str) -> Scalar {
        Scalar::Int(0)
    }

    /// Values of the secrets that steps refer to.
    fn secrets(&self) -> &dyn SecretSource {
        &NoSecrets
    }

    /// Empties the backend, and undoes everything that the kit asked for.
    fn reset(&self) -> impl Future<Output = ()> + Send;

    /// Lets this many milliseconds pass: a model moves its clock, a real backend is waited for. It may return
    /// earlier once something has changed.
    fn wait(&self, ms: Millis) -> impl Future<Output = ()> + Send;

    /// Makes the next looks incomplete, or whole again. `false`: this backend cannot be made to.
    fn spoil_reads(&self, _spoilt: bool) -> impl Future<Output = bool> + Send {
        async { false }
    }

    /// Puts somebody else's thing where this resource would be. `false`: nobody can own such a thing.
    fn plant_foreign(&self, _resource: &Resource) -> impl Future<Output = bool> + Send {
        async { false }
    }

    /// What is left of the deployment by the backend's own word, past the provider.
    fn left(&self) -> impl Future<Output = Vec<String>> + Send {
        async { Vec::new() }
    }

    /// A step that the backend will never take, because of one of its values.
    fn impossible(&self) -> Option<Step> {
        None
    }
}

/// What a provider owes and does not give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which check.
    pub check: &'static str,
    /// What was done, what was seen, and what should have been.
    pub text: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.text)
    }
}

/// What the kit did: that it did something can be seen from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What was found wanting.
    pub failures: Vec<Failure>,
    /// Checks that were made.
    pub checks: usize,
    /// Points at which the operator died and was started anew.
    pub crash_points: usize,
    /// Checks that this bed cannot be asked for, each with the reason.
    pub left_out: Vec<&'static str>,
}

/// Makes every check, each on an emptied backend.
pub async fn run<B: Bed>(bed: &B) -> Report {
    let mut report = Report::default();
    basics::run(bed, &mut report).await;
    limits::run(bed, &mut report).await;
    crash::run(bed, &mut report).await;
    bed.reset().await;
    report
}

impl Report {
    fn note(&mut self, check: &'static str, outcome: Result<(), String>) {
        self.checks += 1;
        if let Err(text) = outcome {
            self.failures.push(Failure { check, text });
        }
    }

    fn leave_out(&mut self, why: &'static str) {
        self.left_out.push(why);
    }

    /// One line per failure; `None`: nothing was found wanting.
    pub fn complaint(&self) -> Option<String> {
        let lines: Vec<String> = self.failures.iter().map(ToString::to_string).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}
