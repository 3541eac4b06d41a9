//! One call, its answer read, its refusal put into words.

use http::Request;
use serde::de::DeserializeOwned;

use super::error::{from_answer, from_no_answer};
use super::subject::Subject;
use super::transport::{Answer, NoAnswer, Transport};
use crate::error::StoreError;

/// A request as the library builds it.
pub(crate) type Built = Result<Request<Vec<u8>>, kube::core::request::Error>;

impl Transport {
    /// Reads one object; `None` where the server says that there is none.
    pub(crate) async fn find<T: DeserializeOwned>(
        &self,
        subject: &Subject,
        request: Built,
    ) -> Result<Option<T>, StoreError> {
        match self.read(subject, request).await {
            Ok(object) => Ok(Some(object)),
            Err(StoreError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        subject: &Subject,
        request: Built,
    ) -> Result<T, StoreError> {
        let answer = self.ask(subject, request).await?;
        parse(&answer).map_err(|why| {
            StoreError::Corrupt(format!(
                "{} {subject}: the answer cannot be read: {why}",
                subject.verb
            ))
        })
    }

    /// Changes something. Whatever error but [`StoreError::Unavailable`] comes, nothing was changed.
    pub(crate) async fn change<T: DeserializeOwned>(
        &self,
        subject: &Subject,
        request: Built,
    ) -> Result<T, StoreError> {
        let answer = self.ask(subject, request).await?;
        parse(&answer).map_err(|why| {
            StoreError::Unavailable(format!(
                "{} {subject}: it was done, and the answer cannot be read: {why}",
                subject.verb
            ))
        })
    }

    async fn ask(&self, subject: &Subject, request: Built) -> Result<Answer, StoreError> {
        let request = request.map_err(|error| {
            StoreError::invalid(subject.to_string(), "object", error.to_string())
        })?;
        let sent = request.body().len();
        let subject = &subject.clone().sized(sent);
        let answer = self.call(request).await;
        let answer = answer.map_err(|error: NoAnswer| from_no_answer(subject, &error))?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(from_answer(subject, &answer))
    }
}

/// The error names the field and never a value of text: it may be a Secret's.
fn parse<T: DeserializeOwned>(answer: &Answer) -> Result<T, String> {
    let mut json = serde_json::Deserializer::from_slice(&answer.body);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let at = error.inner();
        format!(
            "{} (line {}, column {})",
            error.path(),
            at.line(),
            at.column()
        )
    })
}
