//! What went wrong with a call.

use std::error::Error;
use std::fmt;

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};

use crate::wire::NotBegun;

/// What went wrong with a call, of whichever service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It was called off before anything was sent.
    NotBegun,
    /// AWS refused it, with its code.
    Refused {
        /// AWS's error code.
        code: String,
        /// AWS's words.
        message: String,
    },
    /// No answer, or not a whole one: whether it had an effect is not known.
    Lost(String),
}

impl Fault {
    /// What an SDK's error comes to.
    pub fn of<E, R>(error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
        R: fmt::Debug + 'static,
    {
        if chain(error).any(|cause| cause.is::<NotBegun>()) {
            return Self::NotBegun;
        }
        if let SdkError::ServiceError(refused) = error
            && let Some(code) = refused.err().code()
        {
            return Self::Refused {
                code: code.to_owned(),
                message: refused.err().message().unwrap_or_default().to_owned(),
            };
        }
        // Each cause as it shows itself: their debug output holds requests and answers, and those hold user data.
        let causes: Vec<String> = chain(error).map(ToString::to_string).collect();
        Self::Lost(causes.join(": "))
    }

    /// Whether AWS refused with one of these codes.
    pub fn is(&self, codes: &[&str]) -> bool {
        matches!(self, Self::Refused { code, .. } if codes.contains(&code.as_str()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBegun => NotBegun.fmt(f),
            Self::Refused { code, message } => write!(f, "{code}: {message}"),
            Self::Lost(why) => write!(f, "no whole answer: {why}"),
        }
    }
}

impl Error for Fault {}

fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause: &&'e (dyn Error + 'static)| {
        (*cause).source()
    })
}

/// The answer of an SDK, with its error as a [`Fault`].
pub(crate) fn answer<T, E, R>(answer: Result<T, SdkError<E, R>>) -> Result<T, Fault>
where
    E: ProvideErrorMetadata + Error + 'static,
    R: fmt::Debug + 'static,
{
    answer.map_err(|error| Fault::of(&error))
}
