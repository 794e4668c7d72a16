//! The pattern facet: regular expressions of XML Schema part 2, appendix F.
//!
//! Invariants
//! 1. A pattern matches the whole value. Matching follows sets of positions: its time is bounded by the product of the
//!    pattern's and the value's lengths and the counts, never exponential.
//! 2. What is not understood (blocks and most categories of characters) is refused when the pattern is read.

use std::collections::BTreeSet;

/// Greatest count of a quantifier, and deepest nesting.
const COUNT_MAX: u32 = 10_000;
const DEPTH_MAX: usize = 100;

#[derive(Clone, Debug)]
enum Item {
    Range(char, char),
    /// One of `d w s i c`; an upper letter is what they are not.
    Class(char),
    Category(Category, bool),
}

#[derive(Clone, Copy, Debug)]
enum Category {
    Letter,
    Upper,
    Lower,
    Digit,
}

#[derive(Clone, Debug, Default)]
struct Set {
    items: Vec<Item>,
    negated: bool,
    minus: Option<Box<Set>>,
}

#[derive(Clone, Debug)]
enum Node {
    One(Set),
    Sequence(Vec<Node>),
    Either(Vec<Node>),
    Repeat(Box<Node>, u32, Option<u32>),
}

/// A pattern that was read.
#[derive(Clone, Debug)]
pub struct Pattern(Node);

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == ':'
}

fn is_name(c: char) -> bool {
    is_name_start(c) || c.is_numeric() || matches!(c, '.' | '-' | '\u{B7}')
}

impl Item {
    fn takes(&self, c: char) -> bool {
        match self {
            Item::Range(a, b) => (*a..=*b).contains(&c),
            Item::Class(k) => {
                let inside = match k.to_ascii_lowercase() {
                    'd' => c.is_ascii_digit() || c.is_numeric() && !c.is_ascii(),
                    's' => matches!(c, ' ' | '\t' | '\n' | '\r'),
                    'i' => is_name_start(c),
                    'c' => is_name(c),
                    _ => {
                        c.is_alphanumeric()
                            || (!c.is_ascii() && !c.is_whitespace())
                            || "$+<=>^`|~".contains(c)
                    }
                };
                inside != k.is_ascii_uppercase()
            }
            Item::Category(k, not) => {
                let inside = match k {
                    Category::Letter => c.is_alphabetic(),
                    Category::Upper => c.is_uppercase(),
                    Category::Lower => c.is_lowercase(),
                    Category::Digit => c.is_numeric(),
                };
                inside != *not
            }
        }
    }
}

impl Set {
    fn takes(&self, c: char) -> bool {
        self.items.iter().any(|i| i.takes(c)) != self.negated
            && !self.minus.as_ref().is_some_and(|m| m.takes(c))
    }
}

struct Reader<'a> {
    chars: &'a [char],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn either(&mut self) -> Option<Node> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let mut ways = vec![self.sequence()?];
        while self.peek() == Some('|') {
            self.at += 1;
            ways.push(self.sequence()?);
        }
        self.depth -= 1;
        Some(if ways.len() == 1 { ways.pop()? } else { Node::Either(ways) })
    }

    fn sequence(&mut self) -> Option<Node> {
        let mut parts = Vec::new();
        while let Some(c) = self.peek() {
            if matches!(c, '|' | ')') {
                break;
            }
            let atom = self.atom()?;
            parts.push(self.quantified(atom)?);
        }
        Some(Node::Sequence(parts))
    }

    fn atom(&mut self) -> Option<Node> {
        match self.take()? {
            '(' => {
                let inner = self.either()?;
                (self.take()? == ')').then_some(inner)
            }
            '[' => self.class().map(Node::One),
            '.' => Some(Node::One(Set {
                items: vec![Item::Range('\n', '\n'), Item::Range('\r', '\r')],
                negated: true,
                minus: None,
            })),
            '\\' => Some(Node::One(Set { items: vec![self.escape()?], ..Set::default() })),
            '*' | '+' | '?' | '{' | '}' | ']' => None,
            c => Some(Node::One(Set { items: vec![Item::Range(c, c)], ..Set::default() })),
        }
    }

    fn quantified(&mut self, atom: Node) -> Option<Node> {
        let (least, most) = match self.peek() {
            Some('?') => (0, Some(1)),
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('{') => {
                self.at += 1;
                let least = self.number()?;
                let most = match self.take()? {
                    '}' => {
                        return (least <= COUNT_MAX)
                            .then(|| Node::Repeat(Box::new(atom), least, Some(least)));
                    }
                    ',' if self.peek() == Some('}') => None,
                    ',' => Some(self.number()?),
                    _ => return None,
                };
                if self.peek() != Some('}')
                    || least > COUNT_MAX
                    || most.is_some_and(|m| m > COUNT_MAX || m < least)
                {
                    return None;
                }
                (least, most)
            }
            _ => return Some(atom),
        };
        self.at += 1;
        Some(Node::Repeat(Box::new(atom), least, most))
    }

    fn number(&mut self) -> Option<u32> {
        let mut n: Option<u32> = None;
        while let Some(d) = self.peek().and_then(|c| c.to_digit(10)) {
            n = Some(n.unwrap_or(0).checked_mul(10)?.checked_add(d)?);
            self.at += 1;
        }
        n
    }

    fn escape(&mut self) -> Option<Item> {
        match self.take()? {
            'n' => Some(Item::Range('\n', '\n')),
            'r' => Some(Item::Range('\r', '\r')),
            't' => Some(Item::Range('\t', '\t')),
            c @ ('d' | 'D' | 'w' | 'W' | 's' | 'S' | 'i' | 'I' | 'c' | 'C') => Some(Item::Class(c)),
            c @ ('p' | 'P') => {
                (self.take()? == '{').then_some(())?;
                let mut name = String::new();
                loop {
                    match self.take()? {
                        '}' => break,
                        x => name.push(x),
                    }
                }
                let category = match name.as_str() {
                    "L" => Category::Letter,
                    "Lu" => Category::Upper,
                    "Ll" => Category::Lower,
                    "N" | "Nd" => Category::Digit,
                    "IsBasicLatin" if c == 'p' => return Some(Item::Range('\0', '\u{7F}')),
                    _ => return None,
                };
                Some(Item::Category(category, c == 'P'))
            }
            c if !c.is_alphanumeric() => Some(Item::Range(c, c)),
            _ => None,
        }
    }

    fn class(&mut self) -> Option<Set> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let mut set = Set::default();
        if self.peek() == Some('^') {
            self.at += 1;
            set.negated = true;
        }
        loop {
            match self.take()? {
                ']' => break,
                '-' if self.peek() == Some('[') => {
                    self.at += 1;
                    set.minus = Some(Box::new(self.class()?));
                }
                '\\' => {
                    let item = self.escape()?;
                    match item {
                        Item::Range(a, b) if a == b => set.items.push(self.range(a)?),
                        other => set.items.push(other),
                    }
                }
                c => set.items.push(self.range(c)?),
            }
        }
        self.depth -= 1;
        (!set.items.is_empty()).then_some(set)
    }

    /// The rest of a range that begins with `first`, which may be just that.
    fn range(&mut self, first: char) -> Option<Item> {
        let next = self.chars.get(self.at + 1).copied();
        if self.peek() != Some('-') || matches!(next, Some(']' | '[') | None) {
            return Some(Item::Range(first, first));
        }
        self.at += 1;
        let last = match self.take()? {
            '\\' => match self.escape()? {
                Item::Range(a, b) if a == b => a,
                _ => return None,
            },
            c => c,
        };
        (first <= last).then_some(Item::Range(first, last))
    }
}

impl Node {
    fn ends(&self, text: &[char], starts: &BTreeSet<usize>) -> BTreeSet<usize> {
        match self {
            Node::One(set) => {
                let takes = |i: &&usize| text.get(**i).is_some_and(|c| set.takes(*c));
                starts.iter().filter(takes).map(|i| i + 1).collect()
            }
            Node::Sequence(parts) => parts.iter().fold(starts.clone(), |at, p| p.ends(text, &at)),
            Node::Either(ways) => ways.iter().flat_map(|w| w.ends(text, starts)).collect(),
            Node::Repeat(inner, least, most) => {
                let mut at = starts.clone();
                for _ in 0..*least {
                    let next = inner.ends(text, &at);
                    if next.is_empty() {
                        return next;
                    }
                    if next == at {
                        break;
                    }
                    at = next;
                }
                let mut all = at.clone();
                let mut left = most.map(|m| m - least);
                while left != Some(0) && !at.is_empty() {
                    at = inner.ends(text, &at).difference(&all).copied().collect();
                    all.extend(&at);
                    left = left.map(|n| n - 1);
                }
                all
            }
        }
    }
}

impl Pattern {
    /// `None` for a pattern that is wrong, or not understood.
    pub fn read(text: &str) -> Option<Self> {
        let chars: Vec<char> = text.chars().collect();
        let mut reader = Reader { chars: &chars, at: 0, depth: 0 };
        let node = reader.either()?;
        (reader.at == chars.len()).then_some(Pattern(node))
    }

    pub fn matches(&self, value: &str) -> bool {
        let text: Vec<char> = value.chars().collect();
        self.0.ends(&text, &BTreeSet::from([0])).contains(&text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn patterns_match_whole_values() {
        let cases = [
            (r"[0-9\(\)\-]*", "(425)-555", true),
            (r"[0-9\(\)\-]*", "x", false),
            (r"\d{3}-\d{2}", "123-45", true),
            (r"\d{3}-\d{2}", "123-456", false),
            ("[A-Z]{2,3}|x+", "xxx", true),
            ("[A-Z]{2,3}|x+", "ABCD", false),
            ("[a-z-[aeiou]]+", "xyz", true),
            ("[a-z-[aeiou]]+", "xaz", false),
            ("(a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false),
            (r"\p{Lu}\p{Ll}*", "Ada", true),
            ("", "", true),
            ("[^@]+@[^@]+", "a@b", true),
        ];
        for (pattern, value, matches) in cases {
            let read = Pattern::read(pattern).unwrap_or_else(|| panic!("{pattern}"));
            assert_eq!(read.matches(value), matches, "{pattern} on {value}");
        }
        for wrong in ["(", "[", "a{2,1}", "*", r"\p{Greek}", "a{99999}", "[b-a]"] {
            assert!(Pattern::read(wrong).is_none(), "{wrong}");
        }
    }
}
