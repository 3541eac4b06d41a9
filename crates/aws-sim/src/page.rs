//! Pages of a long answer. A token names the last item that was sent, so a page goes on at the right place also when
//! the list changed meanwhile.

use data_encoding::HEXLOWER;

/// How a request asks for a page.
pub(crate) struct Ask<'a> {
    /// The token of the page before.
    pub(crate) token: Option<&'a str>,
    /// How many items it wants.
    pub(crate) size: Option<i64>,
    /// How many it gets unless it says.
    pub(crate) default: usize,
    /// How many it gets at most.
    pub(crate) most: usize,
}

/// A page, and the token of the next one. `None` for a token that is none of ours.
pub(crate) fn page<T>(
    items: Vec<(String, T)>,
    ask: &Ask<'_>,
    cut: Option<usize>,
) -> Option<(Vec<T>, Option<String>)> {
    let after = match ask.token {
        Some(token) => Some(String::from_utf8(HEXLOWER.decode(token.as_bytes()).ok()?).ok()?),
        None => None,
    };
    let asked = ask.size.and_then(|size| usize::try_from(size).ok());
    let size = asked
        .unwrap_or(ask.default)
        .min(ask.most)
        .min(cut.unwrap_or(usize::MAX))
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
