//! Finds what isolation levels forbid in a history of transactions that append to lists and read them.
//!
//! Every value is appended once, so a read tells whose appends it saw and in which order; from that follow the dependencies
//! between transactions, and anomalies are circles among them (Adya's phenomena, found as Elle does it).
//!
//! Invariants
//! 1. The order of a list's appends is what the last read of it says, which comes when all transactions have ended.

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub type Key = u32;
pub type Element = u32;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Op {
    Append(Key, Element),
    Read(Key, Vec<Element>),
}

#[derive(Clone, Debug)]
pub struct Transaction {
    /// What ran without an error, in order.
    pub ops: Vec<Op>,
    pub committed: bool,
}

/// The phenomena, from the gravest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Anomaly {
    /// An append that committed is nowhere, or one that is there twice, or lists whose order nothing explains.
    Lost,
    /// A read that does not show the transaction's own appends before it.
    Internal,
    /// Circle of overwritten writes.
    G0,
    /// Read of something rolled back.
    G1a,
    /// Read of a state in the middle of a transaction.
    G1b,
    /// Circle of writes and reads of them.
    G1c,
    /// Circle with one overwritten read (read skew, lost update).
    GSingle,
    /// Circle with several overwritten reads (write skew).
    G2,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Edge {
    /// Overwrites.
    WriteWrite,
    /// Is read by.
    WriteRead,
    /// Read what the other then changed.
    ReadWrite,
}

/// Anomalies of a history with the final state of its lists, with a description of each.
pub fn check(history: &[Transaction], lists: &BTreeMap<Key, Vec<Element>>) -> BTreeMap<Anomaly, String> {
    let mut found = BTreeMap::new();
    let mut note = |a: Anomaly, text: String| {
        found.entry(a).or_insert(text);
    };
    // Who appended a value, and whether it was the last append of its transaction to the list.
    let mut by: HashMap<(Key, Element), (usize, bool)> = HashMap::new();
    for (t, transaction) in history.iter().enumerate() {
        let mut last: HashMap<Key, Element> = HashMap::new();
        for op in &transaction.ops {
            if let Op::Append(k, v) = op {
                last.insert(*k, *v);
            }
        }
        for op in &transaction.ops {
            if let Op::Append(k, v) = op {
                by.insert((*k, *v), (t, last[k] == *v));
            }
        }
    }
    let none = Vec::new();
    for (k, list) in lists {
        let mut seen = BTreeSet::new();
        for v in list {
            if !seen.insert(v) {
                note(Anomaly::Lost, format!("list {k} has {v} twice"));
            }
            match by.get(&(*k, *v)) {
                Some((t, _)) if !history[*t].committed => {
                    note(Anomaly::G1a, format!("list {k} has {v} of transaction {t}, which was rolled back"));
                }
                None => note(Anomaly::Lost, format!("nobody has appended {v} to list {k}")),
                _ => {}
            }
        }
    }
    for ((k, v), (t, _)) in &by {
        if history[*t].committed && !lists.get(k).unwrap_or(&none).contains(v) {
            note(Anomaly::Lost, format!("transaction {t} has appended {v} to list {k}, and it is not there"));
        }
    }
    let mut edges: BTreeSet<(usize, usize, Edge)> = BTreeSet::new();
    for (k, list) in lists {
        for pair in list.windows(2) {
            if let (Some((a, _)), Some((b, _))) = (by.get(&(*k, pair[0])), by.get(&(*k, pair[1]))) {
                edges.insert((*a, *b, Edge::WriteWrite));
            }
        }
    }
    for (t, transaction) in history.iter().enumerate().filter(|(_, t)| t.committed) {
        let mut own: HashMap<Key, Vec<Element>> = HashMap::new();
        for op in &transaction.ops {
            match op {
                Op::Append(k, v) => own.entry(*k).or_default().push(*v),
                Op::Read(k, read) => {
                    let mine = own.get(k).unwrap_or(&none);
                    if !read.ends_with(mine) {
                        note(
                            Anomaly::Internal,
                            format!("transaction {t} appended {mine:?} to list {k} and then read {read:?}"),
                        );
                        continue;
                    }
                    let others = &read[..read.len() - mine.len()];
                    for v in others {
                        if by.get(&(*k, *v)).is_some_and(|(w, _)| !history[*w].committed) {
                            note(
                                Anomaly::G1a,
                                format!("transaction {t} read {v} in list {k}, which was rolled back"),
                            );
                        }
                    }
                    let list = lists.get(k).unwrap_or(&none);
                    if let Some(v) = others.last()
                        && let Some((w, last)) = by.get(&(*k, *v))
                    {
                        if !last && *w != t {
                            note(
                                Anomaly::G1b,
                                format!(
                                    "transaction {t} read list {k} up to {v} in the middle of transaction {w}"
                                ),
                            );
                        }
                        edges.insert((*w, t, Edge::WriteRead));
                    }
                    let from_aborted =
                        others.iter().any(|v| by.get(&(*k, *v)).is_some_and(|(w, _)| !history[*w].committed));
                    if !list.starts_with(others) {
                        if !from_aborted {
                            note(
                                Anomaly::Lost,
                                format!("transaction {t} read {others:?} in list {k}, which became {list:?}"),
                            );
                        }
                        continue;
                    }
                    if let Some(next) = list.get(others.len())
                        && let Some((w, _)) = by.get(&(*k, *next))
                    {
                        edges.insert((t, *w, Edge::ReadWrite));
                    }
                }
            }
        }
    }
    edges.retain(|(a, b, _)| a != b && history[*a].committed && history[*b].committed);
    let path = |from: usize, to: usize, kinds: &[Edge]| -> Option<Vec<usize>> {
        let mut before: HashMap<usize, usize> = HashMap::from([(from, from)]);
        let mut queue = std::collections::VecDeque::from([from]);
        while let Some(at) = queue.pop_front() {
            if at == to {
                let mut way = vec![at];
                while let Some(&b) = before.get(way.last().unwrap()).filter(|b| *b != way.last().unwrap()) {
                    way.push(b);
                }
                way.reverse();
                return Some(way);
            }
            for (_, next, kind) in edges.range((at, 0, Edge::WriteWrite)..=(at, usize::MAX, Edge::ReadWrite))
            {
                if kinds.contains(kind) && !before.contains_key(next) {
                    before.insert(*next, at);
                    queue.push_back(*next);
                }
            }
        }
        None
    };
    use Edge::{ReadWrite, WriteRead, WriteWrite};
    for (a, b, kind) in &edges {
        let circle = |kinds: &[Edge]| path(*b, *a, kinds);
        match kind {
            WriteWrite => {
                if let Some(way) = circle(&[WriteWrite]) {
                    note(Anomaly::G0, format!("{a} overwrites in a circle {way:?}"));
                }
            }
            WriteRead => {
                if let Some(way) = circle(&[WriteWrite, WriteRead]) {
                    note(Anomaly::G1c, format!("{a} is read in a circle {way:?}"));
                }
            }
            ReadWrite => {
                if let Some(way) = circle(&[WriteWrite, WriteRead]) {
                    note(Anomaly::GSingle, format!("{a} read what {b} changed, and {way:?}"));
                } else if let Some(way) = circle(&[WriteWrite, WriteRead, ReadWrite]) {
                    note(Anomaly::G2, format!("{a} read what {b} changed, and {way:?}"));
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::Op::{Append, Read};
    use super::*;

    fn anomalies(history: &[(bool, &[Op])], lists: &[(Key, &[Element])]) -> Vec<Anomaly> {
        let history: Vec<Transaction> = history
            .iter()
            .map(|(committed, ops)| Transaction { ops: ops.to_vec(), committed: *committed })
            .collect();
        let lists = lists.iter().map(|(k, l)| (*k, l.to_vec())).collect();
        check(&history, &lists).into_keys().collect()
    }

    #[test]
    fn one_after_the_other_is_clean() {
        let history: &[(bool, &[Op])] = &[
            (true, &[Append(1, 1), Read(1, vec![1]), Append(2, 2)]),
            (false, &[Append(1, 9)]),
            (true, &[Read(1, vec![1]), Append(1, 3), Read(2, vec![2]), Read(1, vec![1, 3])]),
        ];
        assert_eq!(anomalies(history, &[(1, &[1, 3]), (2, &[2])]), []);
    }

    #[test]
    fn each_anomaly_is_found() {
        use Anomaly::*;
        // Two transactions overwrite each other in different orders.
        assert_eq!(
            anomalies(
                &[(true, &[Append(1, 1), Append(2, 2)]), (true, &[Append(1, 3), Append(2, 4)])],
                &[(1, &[1, 3]), (2, &[4, 2])]
            ),
            [G0]
        );
        assert_eq!(anomalies(&[(false, &[Append(1, 1)]), (true, &[Read(1, vec![1])])], &[(1, &[])]), [G1a]);
        assert_eq!(anomalies(&[(false, &[Append(1, 1)])], &[(1, &[1])]), [G1a]);
        let middle: &[(bool, &[Op])] = &[(true, &[Append(1, 1), Append(1, 2)]), (true, &[Read(1, vec![1])])];
        assert_eq!(anomalies(middle, &[(1, &[1, 2])]), [G1b, GSingle]);
        // Each reads the other's append.
        assert_eq!(
            anomalies(
                &[(true, &[Append(1, 1), Read(2, vec![2])]), (true, &[Append(2, 2), Read(1, vec![1])])],
                &[(1, &[1]), (2, &[2])]
            ),
            [G1c]
        );
        // Read skew: one list before, the other after the same transaction.
        assert_eq!(
            anomalies(
                &[(true, &[Append(1, 1), Append(2, 2)]), (true, &[Read(1, vec![]), Read(2, vec![2])])],
                &[(1, &[1]), (2, &[2])]
            ),
            [GSingle]
        );
        // Lost update: both read the empty list and append.
        assert_eq!(
            anomalies(
                &[(true, &[Read(1, vec![]), Append(1, 1)]), (true, &[Read(1, vec![]), Append(1, 2)])],
                &[(1, &[1, 2])]
            ),
            [GSingle]
        );
        // Write skew.
        assert_eq!(
            anomalies(
                &[(true, &[Read(1, vec![]), Append(2, 2)]), (true, &[Read(2, vec![]), Append(1, 1)])],
                &[(1, &[1]), (2, &[2])]
            ),
            [G2]
        );
        assert_eq!(anomalies(&[(true, &[Append(1, 1)])], &[(1, &[])]), [Lost]);
        assert_eq!(anomalies(&[(true, &[Append(1, 1), Read(1, vec![])])], &[(1, &[1])]), [Internal]);
    }
}
