//! One call at most for each step, begun only while it may be, and its errors by class.

use std::sync::atomic::Ordering;

use ovo_aws_sim::{Switch, Trouble};
use ovo_model::{Op, Outcome, ProviderError, ResourceId, Value};

use crate::account::Account;
use crate::site::Site;

fn balancer_group() -> ResourceId {
    ResourceId::new("SecurityGroup", "balancer")
}

/// The gate is asked as the last thing before a request goes out: whatever was read before, nothing is changed.
#[tokio::test]
async fn nothing_is_sent_while_the_gate_is_shut() {
    let account = Account::start();
    account.open.store(false, Ordering::SeqCst);
    let answer = account.create(&balancer_group(), &[]).await;
    let Err(ProviderError::Retryable(why)) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(why, "not begun: this process is not sure to lead");
    assert_eq!(account.changes(), 0);
    assert!(!account.bed.aws.calls().is_empty(), "it was read");
    assert_eq!(account.bed.region().leftovers(), Vec::<String>::new());
    account.open.store(true, Ordering::SeqCst);
    let answer = account.create(&balancer_group(), &[]).await;
    assert_eq!(answer, Ok(Outcome::Done));
}

#[tokio::test]
async fn errors_are_told_by_class() {
    let account = Account::start();
    let fail = |trouble: Trouble| {
        account.bed.aws.faults(|faults| {
            faults.clear();
            faults.add(Switch::next("CreateSecurityGroup", trouble));
        });
    };
    let refused = |code: &str| Trouble::Refused(code.to_owned());
    for (trouble, class) in [
        (Trouble::Throttled, "Throttled"),
        (Trouble::Unavailable, "Retryable"),
        (Trouble::LostBefore, "Retryable"),
        (refused("UnauthorizedOperation"), "Denied"),
        (refused("SecurityGroupLimitExceeded"), "Retryable"),
        (refused("InvalidVpcID.NotFound"), "Invalid"),
        (refused("InvalidParameterValue"), "Invalid"),
    ] {
        fail(trouble.clone());
        let before = account.changes();
        let error = account.create(&balancer_group(), &[]).await;
        let error = format!("{:?}", error.unwrap_err());
        assert!(error.starts_with(class), "{trouble:?}: {error}");
        // The SDK tries nothing a second time: that is a decision.
        assert_eq!(account.changes(), before + 1, "{trouble:?}");
    }
    assert_eq!(account.bed.region().leftovers(), Vec::<String>::new());
}

/// The effect was there and the answer was not: the second try makes nothing new.
#[tokio::test]
async fn a_lost_answer_makes_no_second_thing() {
    for trouble in [Trouble::LostAfter, Trouble::CutAnswer] {
        let account = Account::start();
        let switch = Switch::next("CreateSecurityGroup", trouble.clone());
        account.bed.aws.faults(|faults| faults.add(switch));
        let lost = account.create(&balancer_group(), &[]).await;
        assert!(matches!(lost, Err(ProviderError::Retryable(_))), "{lost:?}");
        let again = account.create(&balancer_group(), &[]).await;
        assert_eq!(again, Ok(Outcome::Done), "{trouble:?}");
        assert_eq!(account.bed.region().leftovers().len(), 1);
    }
}

/// What was made a moment ago may not be shown yet. It is not made twice, and not taken for somebody else's.
#[tokio::test]
async fn what_is_not_shown_yet_is_waited_for() {
    let account = Account::start();
    let minute = std::time::Duration::from_mins(1);
    account.bed.aws.faults(|faults| {
        faults.unseen_for.insert("ec2".to_owned(), minute);
    });
    let made = account.create(&balancer_group(), &[]).await;
    assert_eq!(made, Ok(Outcome::Done));
    let again = account.create(&balancer_group(), &[]).await;
    assert!(
        matches!(again, Err(ProviderError::Retryable(_))),
        "{again:?}"
    );
    account.bed.aws.advance(minute);
    let later = account.create(&balancer_group(), &[]).await;
    assert_eq!(later, Ok(Outcome::Done));
    assert_eq!(account.bed.region().leftovers().len(), 1);
}

/// A value that the masters' boot script would spoil is refused by the name of its Secret, and not shown.
#[tokio::test]
async fn a_secret_that_would_be_spoilt_is_refused_by_name() {
    struct Spoilt;
    impl ovo_provider::SecretSource for Spoilt {
        fn get(&self, _key: &ovo_model::SecretKey) -> Option<secrecy::SecretString> {
            Some(secrecy::SecretString::from("CANARY=1"))
        }
    }
    let account = Account::start();
    let id = ResourceId::new("LaunchTemplate", "masters");
    let resource = account.desired().into_iter().find(|r| r.id == id).unwrap();
    let mut properties: std::collections::BTreeMap<String, Value> = resource
        .properties
        .into_iter()
        .map(|(name, property)| (name, property.value))
        .collect();
    properties.insert("securityGroup".to_owned(), Value::Known("sg-1".into()));
    let op = Op::Create {
        resource: id,
        call: "CreateLaunchTemplate".to_owned(),
        properties,
    };
    let call = ovo_provider::Call {
        secrets: &Spoilt,
        epoch: 1,
    };
    let (provider, target) = (account.provider(), account.target());
    let step = crate::account::step(op);
    let answer = ovo_provider::Provider::execute(&provider, &target, &step, call).await;
    let Err(ProviderError::Invalid { field, message }) = answer else {
        panic!("{answer:?}");
    };
    assert!(field.starts_with("Secret "), "{field}");
    assert!(!field.contains("CANARY") && !message.contains("CANARY"));
    assert_eq!(account.changes(), 0);
}

/// Each step of a whole deployment is one call that changes something, and no more.
#[tokio::test]
async fn each_step_is_one_call() {
    let mut site = Site::start().await;
    let mut steps = 0;
    for _ in 0..60 {
        let before = site.account.changes();
        let report = site.round().await;
        let made = report.executed.len();
        let changes = site.account.changes() - before;
        let names: Vec<_> = report.executed.iter().map(|e| &e.step.id).collect();
        assert!(changes <= made, "{changes} calls for {names:?}");
        steps += made;
        site.pass(4);
    }
    assert!(steps > 20, "{steps}");
}
