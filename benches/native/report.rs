//! Tables: printed as they come, and kept for a file.

use serde_json::{Value, json};

/// A row's name and its numbers.
pub type Row = (String, Vec<Option<f64>>);

pub struct Report {
    adapter: String,
    timestamps: bool,
    tables: Vec<Value>,
}

impl Report {
    pub fn new(adapter: &str, timestamps: bool) -> Self {
        Report { adapter: adapter.to_string(), timestamps, tables: Vec::new() }
    }

    pub fn add(&mut self, title: &str, columns: &[&str], rows: Vec<Row>) {
        let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let header: String = columns.iter().map(|name| format!("  {name:>9}")).collect();
        println!("\n{title}\n  {:width$}{header}", "");
        for (name, values) in &rows {
            let cells = columns.iter().zip(values).map(|(column, value)| {
                let text = value.map_or("–".into(), number);
                format!("  {text:>0$}", column.chars().count().max(9))
            });
            println!("  {name:width$}{}", cells.collect::<String>());
        }
        let rows: Vec<Value> =
            rows.into_iter().map(|(name, values)| json!({ "name": name, "values": values })).collect();
        self.tables.push(json!({ "title": title, "columns": columns, "rows": rows }));
    }

    pub fn json(&self) -> String {
        let all = json!({ "adapter": self.adapter, "timestamps": self.timestamps, "tables": self.tables });
        format!("{all:#}\n")
    }
}

/// Three digits or more.
fn number(value: f64) -> String {
    let places = match value.abs() {
        x if x == 0.0 || x >= 100.0 => 0,
        x if x >= 10.0 => 1,
        x if x >= 1.0 => 2,
        x if x >= 0.1 => 3,
        _ => 4,
    };
    format!("{value:.places$}")
}
