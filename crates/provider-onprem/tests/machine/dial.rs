//! Streams to a machine's own ports: through its sshd, whatever is closed from outside.

use std::sync::atomic::Ordering;

use ovo_machines::Machine;
use ovo_provider_onprem::ssh::{Link, SshError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::common::{LIMITS, Way, access, link as link_to, until};

/// Redis answers one line with one line.
const ASK: &[u8] = b"PING\r\n";
const ANSWER: &str = "+PONG\r\n";

/// A server on the machine; up when this returns.
fn serve(machine: &Machine, bind: &str, port: u16) {
    let script = format!(
        "systemd-run --quiet --unit=redis-{port} redis-server --bind {bind} --port {port} --save '' --protected-mode no \
         && until redis-cli -h {bind} -p {port} ping >/dev/null 2>&1; do sleep 0.05; done"
    );
    machine.ask(&script).unwrap();
}

async fn ask(link: &Link, port: u16) -> Result<String, SshError> {
    let mut stream = link.dial(port).await?;
    stream.write_all(ASK).await.unwrap();
    let mut answer = vec![0; ANSWER.len()];
    stream.read_exact(&mut answer).await.unwrap();
    Ok(String::from_utf8(answer).unwrap())
}

#[tokio::test]
async fn a_port_is_reached_through_sshd_even_if_it_is_closed_from_outside() {
    let machine = Machine::boot("m1").unwrap();
    let own = machine.address().to_string();
    serve(&machine, &own, 7000);
    serve(&machine, "127.0.0.1", 7001);
    machine.connect(7001, LIMITS.connect).unwrap_err();

    let way = Way::into(machine.lab());
    let link = Link::new(access(&machine, "admin"), way.clone(), LIMITS);
    for port in [7000, 7001, 7001] {
        assert_eq!(ask(&link, port).await.unwrap(), ANSWER, "{port}");
    }
    let error = ask(&link, 7002).await.unwrap_err();
    assert!(matches!(error, SshError::NoWay { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("m1: port 7002: nobody answers there"),
        "{error}"
    );
    // All of it over one connection, also what was refused.
    assert_eq!(ask(&link, 7000).await.unwrap(), ANSWER);
    assert_eq!(way.connections.load(Ordering::Relaxed), 1);

    // Where sshd leads nobody on, an open port is reached directly, and a closed one is said to be one.
    machine
        .ask("echo 'AllowTcpForwarding no' >>/etc/ssh/sshd_config && systemctl restart ssh")
        .unwrap();
    let link = until("sshd again", async || {
        let link = link_to(&machine, "admin");
        link.run(&ovo_provider_onprem::ssh::Command::new("true"))
            .await
            .ok()
            .map(|_| link)
    })
    .await;
    assert_eq!(ask(&link, 7000).await.unwrap(), ANSWER);
    let error = ask(&link, 7001).await.unwrap_err().to_string();
    assert!(
        error.contains("m1: port 7001") && error.contains("AllowTcpForwarding"),
        "{error}"
    );
}
