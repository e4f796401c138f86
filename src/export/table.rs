//! A figure's data as columns, and as CSV and JSON text.

use serde_json::{Map, Value, json};

use super::Source;

/// One value of a figure's data.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Number(f64),
    Text(String),
    /// Not measured, or not finite.
    Missing,
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        if value.is_finite() { Cell::Number(value) } else { Cell::Missing }
    }
}
impl From<Option<f64>> for Cell {
    fn from(value: Option<f64>) -> Self {
        value.map_or(Cell::Missing, Cell::from)
    }
}
impl From<f32> for Cell {
    /// With the digits of an f32, not those of its f64 copy.
    fn from(value: f32) -> Self {
        value.to_string().parse::<f64>().unwrap_or(f64::NAN).into()
    }
}
impl From<usize> for Cell {
    fn from(value: usize) -> Self {
        Cell::Number(value as f64)
    }
}
impl From<String> for Cell {
    fn from(value: String) -> Self {
        Cell::Text(value)
    }
}
impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Cell::Text(value.into())
    }
}

/// A named column: `snake_case`, the unit at the end where there is one (`loss_nats`).
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    pub cells: Vec<Cell>,
}

impl Column {
    pub fn new<C: Into<Cell>>(name: impl Into<String>, cells: impl IntoIterator<Item = C>) -> Self {
        Column { name: name.into(), cells: cells.into_iter().map(Into::into).collect() }
    }
}

/// CSV (RFC 4180, one header line) after comment lines that begin with `#` and name the source. Missing values
/// and the ends of shorter columns are empty.
pub fn csv(source: &Source, columns: &[Column]) -> String {
    let mut out = String::new();
    for (name, text) in about(source) {
        out += &format!("# {name}: {}\n", text.replace(['\r', '\n'], " "));
    }
    out += &line(columns.iter().map(|c| quoted(&c.name)));
    let rows = columns.iter().map(|c| c.cells.len()).max().unwrap_or(0);
    for row in 0..rows {
        out += &line(columns.iter().map(|c| match c.cells.get(row) {
            Some(Cell::Number(value)) => number(*value),
            Some(Cell::Text(text)) => quoted(text),
            Some(Cell::Missing) | None => String::new(),
        }));
    }
    out
}

/// The same as JSON: the source, and `columns` in their order, each with its `name` and `values`.
pub fn json(source: &Source, columns: &[Column]) -> String {
    let value = |cell: &Cell| match cell {
        Cell::Number(value) if value.fract() == 0.0 && value.abs() < 1e15 => json!(*value as i64),
        Cell::Number(value) => json!(value),
        Cell::Text(text) => json!(text),
        Cell::Missing => Value::Null,
    };
    let columns: Vec<Value> = columns
        .iter()
        .map(|c| json!({ "name": c.name, "values": c.cells.iter().map(value).collect::<Vec<_>>() }))
        .collect();
    let mut object: Map<String, Value> =
        about(source).map(|(name, text)| (name.into(), text.into())).into_iter().collect();
    object.insert("columns".into(), columns.into());
    format!("{}\n", Value::Object(object))
}

fn about(source: &Source) -> [(&'static str, &str); 6] {
    [
        ("title", &source.title),
        ("shows", &source.sentence),
        ("model", &source.model),
        ("sha256", &source.sha256),
        ("modes", &source.modes),
        ("link", &source.link),
    ]
}

fn line(cells: impl Iterator<Item = String>) -> String {
    cells.collect::<Vec<_>>().join(",") + "\n"
}

/// The shortest digits that read back as the same number.
fn number(value: f64) -> String {
    if value == 0.0 || (1e-5..1e15).contains(&value.abs()) { value.to_string() } else { format!("{value:e}") }
}

fn quoted(text: &str) -> String {
    let plain = !text.contains(['"', ',', '\n', '\r', '#']) && text.trim() == text && !text.is_empty();
    if plain { text.into() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Source {
        Source {
            title: "Spectral cascade".into(),
            sentence: "Line one\nline two".into(),
            model: "sd-6m".into(),
            link: "https://example.org/#v=1".into(),
            ..Source::default()
        }
    }

    fn columns() -> Vec<Column> {
        vec![
            Column::new("layer", 1usize..=3),
            Column::new("token", ["a,\"b\"", " x", "plain"]),
            Column::new("loss_nats", [Some(0.1 + 0.2), None, Some(f64::INFINITY)]),
            Column::new("small", [1e-9, -2.5e300]),
            Column::new("weight", [0.1f32]),
        ]
    }

    #[test]
    fn csv_has_source_header_and_exact_numbers() {
        let text = csv(&source(), &columns());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "# title: Spectral cascade");
        assert_eq!(lines[1], "# shows: Line one line two");
        assert_eq!(lines[5], "# link: https://example.org/#v=1");
        assert_eq!(lines[6], "layer,token,loss_nats,small,weight");
        assert_eq!(lines[7], "1,\"a,\"\"b\"\"\",0.30000000000000004,1e-9,0.1");
        assert_eq!(lines[8], "2,\" x\",,-2.5e300,");
        assert_eq!(lines[9], "3,plain,,,");
        assert_eq!(lines.len(), 10);
    }

    #[test]
    fn json_keeps_order_and_marks_what_is_missing() {
        let value: Value = serde_json::from_str(&json(&source(), &columns())).unwrap();
        assert_eq!(value["title"], "Spectral cascade");
        assert_eq!(value["columns"][0], json!({ "name": "layer", "values": [1, 2, 3] }));
        assert_eq!(value["columns"][2]["values"], json!([0.1 + 0.2, null, null]));
        assert_eq!(value["columns"][3]["values"][1], json!(-2.5e300));
    }

    #[test]
    fn nothing_to_tell_is_still_a_file() {
        assert!(csv(&Source::default(), &[]).ends_with('\n'));
        assert!(serde_json::from_str::<Value>(&json(&Source::default(), &[])).is_ok());
    }
}
