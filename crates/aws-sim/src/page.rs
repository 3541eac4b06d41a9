//! Pages of a long answer. A token names the last item that was sent, so a page goes on at the right place also when
//! the list changed meanwhile.

use data_encoding::HEXLOWER;

use crate::region::Region;
use crate::value::Record;

/// How a service's requests ask for a page.
pub(crate) struct Paging {
    /// The member with the token of the page before.
    pub(crate) token: &'static str,
    /// The member that says how many items are wanted.
    pub(crate) size: &'static str,
    /// How many it gets unless it says.
    pub(crate) default: usize,
    /// How many it gets at most.
    pub(crate) most: usize,
}

impl Paging {
    /// A page, and the token of the next one. `None` for a token that is none of ours.
    pub(crate) fn page<T>(
        &self,
        region: &Region,
        input: &Record,
        items: Vec<(String, T)>,
    ) -> Option<(Vec<T>, Option<String>)> {
        let after = match input.text(self.token) {
            Some(token) => Some(String::from_utf8(HEXLOWER.decode(token.as_bytes()).ok()?).ok()?),
            None => None,
        };
        let asked = input.integer(self.size);
        let asked = asked.and_then(|size| usize::try_from(size).ok());
        let size = asked
            .unwrap_or(self.default)
            .min(self.most)
            .min(region.sight.page_size.unwrap_or(usize::MAX))
            .max(1);
        let mut rest = items
            .into_iter()
            .filter(|(key, _)| after.as_ref().is_none_or(|after| key > after))
            .peekable();
        let mut sent = Vec::new();
        let mut last = String::new();
        while sent.len() < size
            && let Some((key, item)) = rest.next()
        {
            last = key;
            sent.push(item);
        }
        let next = rest.peek().map(|_| HEXLOWER.encode(last.as_bytes()));
        Some((sent, next))
    }
}
