//! What an API server's refusals mean to the caller, with the way out.

use std::time::Duration;

use http::StatusCode;
use kube::core::Status;

use super::subject::Subject;
use super::transport::{Answer, NoAnswer, chain};
use crate::embedded::MAX_OBJECT_BYTES;
use crate::error::{StoreError, Violation};

/// How much of a server's words is shown, in bytes.
const LONGEST_TEXT: usize = 1024;

/// What etcd says of what is over its limit; an API server passes it on as an internal error.
const TOO_LARGE: [&str; 2] = [
    "request is too large",
    "trying to send message larger than max",
];

/// A refusal, or the reason why there is no answer.
pub(crate) fn from_no_answer(subject: &Subject, error: &NoAnswer) -> StoreError {
    match error {
        NoAnswer::Closed => StoreError::NotLeading(format!(
            "{} {subject} was not sent: this process is not sure to lead for as long as the call may take",
            subject.verb
        )),
        NoAnswer::Late(_) | NoAnswer::Failed(_) => {
            StoreError::Unavailable(format!("{} {subject}: {error}", subject.verb))
        }
    }
}

/// What a refusal means.
pub(crate) fn from_answer(subject: &Subject, answer: &Answer) -> StoreError {
    let text = String::from_utf8_lossy(&answer.body);
    let status = serde_json::from_str::<Status>(&text).ok();
    // What is no Status comes from a proxy, or from a path that the server does not serve.
    let status = status
        .filter(|status| status.status.is_some())
        .unwrap_or_else(|| Status::failure(text.trim(), ""));
    let status = status.with_code(answer.status.as_u16());
    from_status(subject, &status, answer.retry_after)
}

/// The error of a watch, in words.
pub(crate) fn from_watch(subject: &Subject, error: &kube::runtime::watcher::Error) -> String {
    use kube::runtime::watcher::Error::{
        InitialListFailed, NoResourceVersion, WatchError, WatchFailed, WatchStartFailed,
    };
    match error {
        InitialListFailed(kube::Error::Api(status))
        | WatchStartFailed(kube::Error::Api(status))
        | WatchFailed(kube::Error::Api(status))
        | WatchError(status) => from_status(subject, status, None).to_string(),
        // It may quote what it could not read.
        WatchFailed(kube::Error::SerdeError(_)) if subject.is_secret() => {
            format!("{} {subject}: an event cannot be read", subject.verb)
        }
        InitialListFailed(error) | WatchStartFailed(error) | WatchFailed(error) => {
            format!("{} {subject}: {}", subject.verb, chain(error))
        }
        NoResourceVersion => error.to_string(),
    }
}

pub(crate) fn from_status(
    subject: &Subject,
    status: &Status,
    retry_after: Option<Duration>,
) -> StoreError {
    let object = subject.to_string();
    if TOO_LARGE.iter().any(|words| status.message.contains(words)) {
        return too_large(subject);
    }
    match StatusCode::from_u16(status.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR) {
        StatusCode::NOT_FOUND if is_unknown_kind(status) => StoreError::Unavailable(format!(
            "the API server does not know {}: install the definitions with `kubectl apply --server-side -f crds/`",
            subject.qualified()
        )),
        StatusCode::NOT_FOUND => match &status.details {
            Some(details) if details.kind == "namespaces" => {
                StoreError::NotFound(format!("namespace {}", details.name))
            }
            _ => StoreError::NotFound(object),
        },
        StatusCode::CONFLICT if status.is_already_exists() => StoreError::AlreadyExists(object),
        StatusCode::CONFLICT => StoreError::Conflict {
            object,
            given: subject.version.clone().unwrap_or("none".to_owned()),
            current: "another".to_owned(),
        },
        StatusCode::UNAUTHORIZED => StoreError::Denied(format!(
            "{} {subject}: the API server does not accept the operator's credentials: {}",
            subject.verb,
            words(subject, status)
        )),
        StatusCode::FORBIDDEN => StoreError::Denied(forbidden(subject, status)),
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST => StoreError::Invalid {
            object,
            violations: violations(subject, status),
        },
        StatusCode::PAYLOAD_TOO_LARGE => too_large(subject),
        _ => StoreError::Unavailable(unavailable(subject, status, retry_after)),
    }
}

/// What is missing is named, unless it is the kind itself: that is plain text, or a Status without a name.
fn is_unknown_kind(status: &Status) -> bool {
    let details = status.details.as_ref();
    details.is_none_or(|details| details.name.is_empty())
}

fn too_large(subject: &Subject) -> StoreError {
    StoreError::TooLarge {
        object: subject.to_string(),
        bytes: subject.bytes,
        limit: MAX_OBJECT_BYTES,
    }
}

/// The rule that lacks, ready to be pasted into a Role.
fn forbidden(subject: &Subject, status: &Status) -> String {
    let said = words(subject, status);
    // An admission policy or a namespace that is going forbids too, and no rule helps against those.
    let by_rights = status.message.contains(" cannot ");
    // What is refused is the owner that a record names: the record itself may be made.
    if by_rights && status.message.contains("blockOwnerDeletion") {
        return format!(
            "{} {} {}: the operator's role lacks {{apiGroups: [\"openvidu.io\"], resources: \
             [\"openviduclusters/finalizers\"], verbs: [\"update\"]}}; the server says: {said}",
            subject.verb,
            subject.resource(),
            subject.place()
        );
    }
    // A watch begins with a list.
    let verbs = match subject.verb {
        "watch" => "\"list\", \"watch\"".to_owned(),
        verb => format!("\"{verb}\""),
    };
    let way_out = if by_rights {
        format!(
            ": the operator's role lacks {{apiGroups: [\"{}\"], resources: [\"{}\"], verbs: [{verbs}]}}",
            subject.group,
            subject.resource(),
        )
    } else {
        String::new()
    };
    format!(
        "{} {} {}{way_out}; the server says: {said}",
        subject.verb,
        subject.resource(),
        subject.place()
    )
}

fn violations(subject: &Subject, status: &Status) -> Vec<Violation> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let mut violations: Vec<Violation> = causes
        .map(|cause| Violation {
            field: if cause.field.is_empty() {
                "object".to_owned()
            } else {
                cause.field.clone()
            },
            message: if subject.is_secret() {
                cause.reason.clone()
            } else {
                cut(&cause.message)
            },
        })
        .collect();
    if violations.is_empty() {
        violations.push(Violation {
            field: "object".to_owned(),
            message: words(subject, status),
        });
    }
    violations
}

fn unavailable(subject: &Subject, status: &Status, retry_after: Option<Duration>) -> String {
    let asked = match retry_after {
        Some(pause) => format!(", to be asked again in {} s", pause.as_secs()),
        None => String::new(),
    };
    format!(
        "{} {subject}: the API server answered {}{asked}: {}",
        subject.verb,
        status.code,
        words(subject, status)
    )
}

/// What the server says; of a Secret only the reason, because its words may quote what was sent.
fn words(subject: &Subject, status: &Status) -> String {
    if subject.is_secret() && !status.is_forbidden() {
        return status.reason.clone();
    }
    cut(&status.message)
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST_TEXT)].to_owned()
}
