//! Streams to the ports of a fleet's machines.

use ovo_model::NodeName;
use ovo_provider::{Dial, Dialled, Target};

use super::Fleet;

impl Dial for Fleet {
    fn dial<'a>(&'a self, target: &'a Target, node: &'a NodeName, port: u16) -> Dialled<'a> {
        Box::pin(async move {
            let (machine, _) = self.reached(target, &node.0).await?;
            Ok(machine.dial(port).await?)
        })
    }
}
