//! Specifications of isolation tests: sessions, their steps, and in which orders the steps run.
//!
//! ```text
//! # a comment
//! setup { batch }                 before each permutation, in a session of its own; may come several times
//! session a                       the steps after it are of session a
//! setup { batch }                 in session a before the steps of each permutation
//! step a1 { batch }
//! permutation a1 b1 a2 b2!        ! waits for the end of the step, even if it waits for a lock meanwhile
//! ```
//! Without a permutation all orders run that keep each session's own order.

/// A step.
pub struct Step {
    pub session: usize,
    pub name: String,
    pub batch: String,
}

#[derive(Default)]
pub struct Session {
    pub name: String,
    pub setup: Vec<String>,
}

#[derive(Default)]
pub struct Spec {
    pub setup: Vec<String>,
    pub sessions: Vec<Session>,
    pub steps: Vec<Step>,
    /// Indexes of steps, and whether their end is waited for.
    pub permutations: Vec<Vec<(usize, bool)>>,
}

impl Spec {
    pub fn parse(text: &str) -> Result<Spec, String> {
        let mut spec = Spec::default();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            // A batch in braces, over as many lines as it takes.
            let mut batch = || -> Result<String, String> {
                let open = rest.find('{').ok_or(format!("no batch in {line:?}"))?;
                let mut text = rest[open + 1..].to_owned();
                while !text.trim_end().ends_with('}') {
                    let next = lines.next().ok_or(format!("the batch of {line:?} has no end"))?;
                    text.push('\n');
                    text.push_str(next);
                }
                Ok(text.trim_end().trim_end_matches('}').trim().to_owned())
            };
            match word {
                "setup" => {
                    let batch = batch()?;
                    match spec.sessions.last_mut() {
                        Some(session) => session.setup.push(batch),
                        None => spec.setup.push(batch),
                    }
                }
                "session" => {
                    spec.sessions.push(Session { name: rest.trim().to_owned(), setup: Vec::new() });
                }
                "step" => {
                    let session =
                        spec.sessions.len().checked_sub(1).ok_or("a step before the first session")?;
                    let name = rest.split(['{', ' ']).next().unwrap_or_default().to_owned();
                    let batch = batch()?;
                    spec.steps.push(Step { session, name, batch });
                }
                "permutation" => {
                    let mut order = Vec::new();
                    for name in rest.split_whitespace() {
                        let wait = name.ends_with('!');
                        let name = name.trim_end_matches('!');
                        let step = spec.steps.iter().position(|s| s.name == name);
                        order.push((step.ok_or(format!("no step {name}"))?, wait));
                    }
                    spec.permutations.push(order);
                }
                other => return Err(format!("not understood: {other:?}")),
            }
        }
        if spec.permutations.is_empty() {
            spec.permutations = spec.all_orders();
        }
        Ok(spec)
    }

    fn all_orders(&self) -> Vec<Vec<(usize, bool)>> {
        let of = |session: usize| -> Vec<usize> {
            (0..self.steps.len()).filter(|&i| self.steps[i].session == session).collect()
        };
        let queues: Vec<Vec<usize>> = (0..self.sessions.len()).map(of).collect();
        let mut out = Vec::new();
        interleave(&queues, &mut vec![0; queues.len()], &mut Vec::new(), &mut out);
        out
    }
}

fn interleave(
    queues: &[Vec<usize>],
    at: &mut Vec<usize>,
    order: &mut Vec<(usize, bool)>,
    out: &mut Vec<Vec<(usize, bool)>>,
) {
    let mut any = false;
    for session in 0..queues.len() {
        let Some(&step) = queues[session].get(at[session]) else { continue };
        any = true;
        at[session] += 1;
        order.push((step, false));
        interleave(queues, at, order, out);
        order.pop();
        at[session] -= 1;
    }
    if !any {
        out.push(order.clone());
    }
}
