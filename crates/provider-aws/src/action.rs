//! What a listener or rule does with a request, as one line that can be compared and read back.

use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, FixedResponseActionConfig, RedirectActionConfig,
};
use ovo_model::ProviderError;

use crate::desired::balancer::FORWARD;

fn one(action: &Action) -> String {
    let kind = action.r#type().map_or("", ActionTypeEnum::as_str);
    match kind {
        "forward" => {
            let listed = action.forward_config().map(|c| c.target_groups());
            match (action.target_group_arn(), listed) {
                (Some(arn), _) => format!("{FORWARD} {arn}"),
                (None, Some([only])) => {
                    format!("{FORWARD} {}", only.target_group_arn().unwrap_or_default())
                }
                (None, more) => format!("{FORWARD} to {}", more.map_or(0, <[_]>::len)),
            }
        }
        "redirect" => {
            let config = action.redirect_config();
            let part = |text: Option<&str>, default: &str| text.unwrap_or(default).to_owned();
            let query = part(config.and_then(|c| c.query()), "#{query}");
            format!(
                "redirect {}://{}:{}{}{}{query} {}",
                part(config.and_then(|c| c.protocol()), "#{protocol}"),
                part(config.and_then(|c| c.host()), "#{host}"),
                part(config.and_then(|c| c.port()), "#{port}"),
                part(config.and_then(|c| c.path()), "/#{path}"),
                if query.is_empty() { "" } else { "?" },
                config
                    .and_then(|c| c.status_code())
                    .map_or("", |code| code.as_str()),
            )
        }
        "fixed-response" => {
            let config = action.fixed_response_config();
            let code = config.and_then(|c| c.status_code()).unwrap_or_default();
            match config.and_then(|c| c.message_body()) {
                None | Some("") => format!("fixed {code}"),
                Some(body) => format!("fixed {code} {body}"),
            }
        }
        other => other.to_owned(),
    }
}

/// Actions as one line.
pub(crate) fn text(actions: &[Action]) -> String {
    let lines: Vec<String> = actions.iter().map(one).collect();
    lines.join(", ")
}

/// The action that a line of ours stands for.
pub(crate) fn parse(line: &str) -> Result<Action, ProviderError> {
    let wrong = || ProviderError::Invalid {
        field: "action".to_owned(),
        message: format!("{line:?} is nothing that a listener does"),
    };
    let (kind, rest) = line.split_once(' ').ok_or_else(wrong)?;
    let action = Action::builder();
    let action = match kind {
        FORWARD => action
            .r#type(ActionTypeEnum::Forward)
            .target_group_arn(rest),
        "fixed" => {
            let config = FixedResponseActionConfig::builder().status_code(rest);
            action
                .r#type(ActionTypeEnum::FixedResponse)
                .fixed_response_config(config.build())
        }
        "redirect" => {
            let (url, code) = rest.rsplit_once(' ').ok_or_else(wrong)?;
            let (protocol, rest) = url.split_once("://").ok_or_else(wrong)?;
            let (host, rest) = rest.split_once(':').ok_or_else(wrong)?;
            let (port, rest) = rest.split_once('/').ok_or_else(wrong)?;
            let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
            let config = RedirectActionConfig::builder()
                .protocol(protocol)
                .host(host)
                .port(port)
                .path(format!("/{path}"))
                .query(query)
                .status_code(code.into());
            action
                .r#type(ActionTypeEnum::Redirect)
                .redirect_config(config.build())
        }
        _ => return Err(wrong()),
    };
    Ok(action.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        for line in [
            "forward arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/a/1",
            "redirect HTTPS://#{host}:443/#{path}?#{query} HTTP_301",
            "redirect #{protocol}://#{host}:#{port}/inspector/?#{query} HTTP_301",
            "fixed 401",
        ] {
            assert_eq!(text(&[parse(line).unwrap()]), line);
        }
        for line in ["", "forward", "redirect nowhere", "dance 1"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
