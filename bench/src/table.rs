//! The table of results: one line per comparison.

/// One line.
pub struct Row {
    pub what: String,
    pub peer: String,
    /// What is compared, as a ratio: above 1 Holdfast is better.
    pub ratio: Option<f64>,
    /// The same in processor time.
    pub cpu: Option<f64>,
    pub goal: String,
    pub note: String,
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

/// As a table of Markdown.
pub fn render(rows: &[Row]) -> String {
    let number = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), |v| format!("{v:.2}"));
    let mut out = String::from(
        "| what | beside | times as fast (wall) | (processor) | goal | remarks |\n| --- | --- | ---: | ---: | --- | --- |\n",
    );
    for r in rows {
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            r.what,
            r.peer,
            number(r.ratio),
            number(r.cpu),
            r.goal,
            r.note
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn medians() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
