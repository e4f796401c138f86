//! What to look at under a choice of modes.

use crate::model::LayerMode;

/// Observations to make, most telling first. `sd` says whether the model's heads are S-D heads.
pub fn notice(modes: &[LayerMode], trained: &[LayerMode], sd: bool) -> Vec<&'static str> {
    let changed: Vec<LayerMode> = modes.iter().zip(trained).filter(|(m, t)| m != t).map(|(m, _)| *m).collect();
    let Some(first) = changed.first() else { return as_trained(sd) };
    // How many layers from the first on are simplified without a gap.
    let run = modes.iter().zip(trained).take_while(|(m, t)| m != t).count();
    if changed.iter().any(|m| m != first) {
        return MIXED.to_vec();
    }
    match first {
        LayerMode::Linearized if sd && run == changed.len() => LINEARIZED_FIRST.to_vec(),
        LayerMode::Linearized if sd => LINEARIZED_LATER.to_vec(),
        LayerMode::Linearized => LINEARIZED_TWIN.to_vec(),
        LayerMode::Elu1 => ELU1.to_vec(),
        LayerMode::Uniform => UNIFORM.to_vec(),
        LayerMode::Routing => ROUTING.to_vec(),
        LayerMode::Filtering => FILTERING.to_vec(),
        LayerMode::Rank(_) => RANK.to_vec(),
        LayerMode::Off => OFF.to_vec(),
        LayerMode::Softmax => SOFTMAX.to_vec(),
    }
}

fn as_trained(sd: bool) -> Vec<&'static str> {
    let mut all = vec![
        "The bars of the stack and the figure show the same numbers: read down the rows, the bars are the cascade.",
        "Filled against outlined: how much less of its capacity a layer uses on this text.",
    ];
    all.push(match sd {
        true => "The column “alone” says which layers can be linearised one by one, before you touch a switch.",
        false => "This is a standard model: in the column “alone” one early layer often costs more than all others.",
    });
    all
}

const LINEARIZED_FIRST: &[&str] = &[
    "Compare the change with the two controls: a layer that averages as well as it attends is idle, not simple.",
    "Colour the text by change: the loss grows where a word returns or a name is needed, hardly elsewhere.",
    "Add one layer at a time with Shift + L: the cost stays flat, then jumps at the first sharp head.",
];
const LINEARIZED_LATER: &[&str] = &[
    "Later layers have sharp heads: few large scores, far outside the range where softmax is nearly linear.",
    "Look at the maps of such a head: its weights gather on single cells instead of spreading over the row.",
];
const LINEARIZED_TWIN: &[&str] = &[
    "A single sharp head is enough: find the layer whose cost alone is largest, and open its heads.",
    "The expansion has negative weights where scores are far below their mean; softmax never has.",
    "Change to the S-D model under the same switches, or set the two side by side.",
];
const ELU1: &[&str] = &[
    "The model was not trained with this feature map unless its card says so; the cost is that of a wrong tool.",
    "Open the model with four ELU + 1 layers: trained so, the same layers cost nothing that can be measured.",
];
const UNIFORM: &[&str] = &[
    "This is a control: what it costs is what these layers do beyond averaging the past.",
    "Where it costs as little as linearising, the layers were hardly used.",
];
const ROUTING: &[&str] = &[
    "The symmetric part of the scores is gone. What is left moves information without weighing relevance.",
    "Compare with filtering only: which half does the model need more?",
];
const FILTERING: &[&str] = &[
    "The skew part of the scores is gone: every pair of tokens now looks the same from both ends.",
    "Positions can hardly be told apart: heads that looked at the token before cannot find it.",
];
const RANK: &[&str] = &[
    "Move the slider down: eight, four, two. The cost stays small for longer than the number of dimensions suggests.",
    "At rank 0 no routing is left; it is the same as filtering only.",
    "In the Heads tab the singular values come in pairs: each pair is one rotation plane, kept or cut as a whole.",
];
const OFF: &[&str] = &[
    "The layer's attention is dropped, its MLP stays. What this costs is all that the attention did.",
    "A layer whose uniform control costs as much as this one does more than average.",
];
const SOFTMAX: &[&str] = &[
    "These layers were trained with linear attention: softmax is the stranger here.",
    "The cost says how far the two ways of weighing tokens have grown apart.",
];
const MIXED: &[&str] = &[
    "Several modes at once: reset all but one to see what each of them costs.",
    "Costs do not add up: one simplified layer changes what every later layer reads.",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::parse_modes;

    #[test]
    fn every_choice_has_something_to_notice() {
        let trained = [LayerMode::Softmax; 12];
        let of = |text: &str, sd| notice(&parse_modes(text, &trained).unwrap(), &trained, sd);
        let modes = ["softmax", "linearized", "elu1", "uniform", "routing", "filtering", "rank8", "off"];
        let mut seen = Vec::new();
        for mode in modes {
            let found = of(&format!("{mode}*7,softmax*5"), true);
            assert!(!found.is_empty() && !seen.contains(&found), "{mode}");
            seen.push(found);
        }
        assert_eq!(of("linearized*7,softmax*5", true), LINEARIZED_FIRST);
        assert_eq!(of("softmax*7,linearized*5", true), LINEARIZED_LATER);
        assert_eq!(of("linearized*7,softmax*5", false), LINEARIZED_TWIN);
        assert_eq!(of("linearized*2,off,softmax*9", true), MIXED);
        let elu = [LayerMode::Elu1; 2];
        assert_eq!(notice(&[LayerMode::Softmax, LayerMode::Elu1], &elu, true), SOFTMAX);
    }
}
