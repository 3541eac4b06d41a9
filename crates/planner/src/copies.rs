//! Working copies of the node records.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::LazyLock;

use ovo_api::node::OpenViduNodeStatus;

use crate::machines::State;
use crate::view::{NodeView, View};

/// What is written on a node that has no record yet.
static BLANK: LazyLock<OpenViduNodeStatus> = LazyLock::new(OpenViduNodeStatus::default);

/// The status of every node of the view, each copied from its stored record only when it is first changed: in a
/// converged cluster of a thousand nodes none is.
pub(crate) struct Copies<'a>(Vec<Sheet<'a>>);

struct Sheet<'a> {
    status: Cow<'a, OpenViduNodeStatus>,
    /// Where the machine stands by what is written here, once somebody asked.
    state: Cell<Option<State>>,
}

impl<'a> Copies<'a> {
    /// Of the nodes of a view, in its order.
    pub(crate) fn of(view: &View<'a>) -> Self {
        let sheet = |node: &NodeView<'a>| Sheet {
            status: Cow::Borrowed(
                node.record
                    .and_then(|record| record.status.as_ref())
                    .unwrap_or(&BLANK),
            ),
            state: Cell::new(None),
        };
        Self(view.nodes.values().map(sheet).collect())
    }

    /// As it is now.
    pub(crate) fn get(&self, node: &NodeView<'_>) -> &OpenViduNodeStatus {
        self.0
            .get(node.place)
            .map_or_else(|| &*BLANK, |sheet| &*sheet.status)
    }

    /// As it is in the end; nothing is left of it here.
    pub(crate) fn take(&mut self, node: &NodeView<'_>) -> Cow<'a, OpenViduNodeStatus> {
        let sheet = self.0.get_mut(node.place);
        sheet.map_or(Cow::Borrowed(&*BLANK), |sheet| {
            std::mem::replace(&mut sheet.status, Cow::Borrowed(&*BLANK))
        })
    }

    /// To be changed. What was concluded from it is concluded anew.
    #[expect(
        clippy::expect_used,
        reason = "there is a sheet for each node of the view, and no other view has nodes for this draft"
    )]
    pub(crate) fn get_mut(&mut self, node: &NodeView<'_>) -> &mut OpenViduNodeStatus {
        let sheet = self.0.get_mut(node.place).expect("a node of this view");
        sheet.state.set(None);
        sheet.status.to_mut()
    }

    /// What was concluded before, or else now.
    pub(crate) fn state(&self, node: &NodeView<'_>, conclude: impl FnOnce() -> State) -> State {
        let Some(sheet) = self.0.get(node.place) else {
            return conclude();
        };
        let state = sheet.state.get().unwrap_or_else(conclude);
        sheet.state.set(Some(state));
        state
    }
}
