//! Who runs, and in which order: what is compared stands close together in time, and nobody always goes first.

/// A contestant of the page, with the model that it is opened with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contestant {
    pub name: &'static str,
    pub model: &'static str,
}

const fn contestant(name: &'static str, model: &'static str) -> Contestant {
    Contestant { name, model }
}

/// The models that are compared: the default and its standard twin.
pub const MODELS: [&str; 2] = ["sd-6m", "gpt2-6m"];

/// Everybody.
pub const CONTESTANTS: &[Contestant] = &[
    contestant("floor", ""),
    contestant("cascade", ""),
    contestant("cascade", "sd-6m"),
    contestant("cascade", "gpt2-6m"),
    contestant("cascade-cpu", "sd-6m"),
    contestant("cascade-cpu", "gpt2-6m"),
    contestant("ort-wasm", "sd-6m"),
    contestant("ort-wasm", "gpt2-6m"),
    contestant("jax", "sd-6m"),
    contestant("jax", "gpt2-6m"),
    contestant("ort-webgpu", "sd-6m"),
    contestant("ort-webgpu", "gpt2-6m"),
    contestant("tfjs", "sd-6m"),
    contestant("tfjs", "gpt2-6m"),
];

/// Whether a contestant computes on the CPU.
pub fn on_cpu(name: &str) -> bool {
    matches!(name, "cascade-cpu" | "ort-wasm")
}

/// The operations of a round in order. `opened` are all there are; those of one table (same model, same kind of
/// engine) follow each other, and both tables and operations begin elsewhere in every round.
pub fn order(opened: &[String], round: usize) -> Vec<String> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for key in opened {
        let table = table_of(key);
        match groups.iter_mut().find(|(name, _)| *name == table) {
            Some((_, keys)) => keys.push(key.clone()),
            None => groups.push((table, vec![key.clone()])),
        }
    }
    if groups.is_empty() {
        return Vec::new();
    }
    let shift = round % groups.len();
    groups.rotate_left(shift);
    for (_, keys) in &mut groups {
        let shift = round % keys.len();
        keys.rotate_left(shift);
    }
    groups.into_iter().flat_map(|(_, keys)| keys).collect()
}

/// The table that an operation belongs to.
fn table_of(key: &str) -> String {
    let parts: Vec<&str> = key.split('/').collect();
    match parts[..] {
        ["floor", ..] => "floor".to_owned(),
        [_, model, "spectra"] => format!("{model} spectra"),
        // Ours alone.
        [_, model, "again" | "loaded"] => format!("{model} spectra otherwise"),
        [_, model, "full" | "toggle"] => format!("{model} {}", if on_cpu(parts[0]) { "cpu" } else { "gpu" }),
        _ => "growth".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn opened() -> Vec<String> {
        [
            "floor/arithmetic",
            "cascade/a/full",
            "cascade/a/toggle",
            "cascade/a/spectra",
            "cascade/softmax/256",
            "jax/a/spectra",
            "ort-webgpu/a/full",
            "cascade-cpu/a/full",
            "ort-wasm/a/full",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    #[test]
    fn every_round_runs_everything_once() {
        let all: BTreeSet<String> = opened().into_iter().collect();
        for round in 0..20 {
            let order = order(&opened(), round);
            assert_eq!(order.len(), all.len());
            assert_eq!(order.into_iter().collect::<BTreeSet<_>>(), all);
        }
        assert!(order(&[], 3).is_empty());
    }

    #[test]
    fn what_is_compared_runs_together_and_takes_turns() {
        let mut first = BTreeSet::new();
        for round in 0..6 {
            let order = order(&opened(), round);
            let at = |key: &str| order.iter().position(|k| k == key).unwrap();
            assert_eq!(at("cascade/a/spectra").abs_diff(at("jax/a/spectra")), 1);
            assert_eq!(at("cascade-cpu/a/full").abs_diff(at("ort-wasm/a/full")), 1);
            let gpu = ["cascade/a/full", "cascade/a/toggle", "ort-webgpu/a/full"];
            first.insert(gpu.into_iter().min_by_key(|key| at(key)).unwrap());
        }
        assert_eq!(first.len(), 3, "each begins its table in some round");
    }
}
