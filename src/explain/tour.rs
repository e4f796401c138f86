//! The tour: three short chapters of steps, each with what the page shows meanwhile.

use crate::link::View;

/// What the page shows during a step, as far as the step decides it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scene {
    /// Id of a shipped model.
    pub model: &'static str,
    /// Layer modes, as in links; every layer as trained where there are none.
    pub modes: Option<&'static str>,
    pub view: Option<View>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Index into [`CHAPTERS`].
    pub chapter: usize,
    pub title: &'static str,
    pub text: &'static str,
    /// Selector of the part of the page that it is about.
    pub target: &'static str,
    pub scene: Scene,
}

pub const CHAPTERS: [&str; 3] = ["Routing and filtering", "The cascade", "What can be simplified"];

const TRAINED: Scene = Scene { model: "sd-6m", modes: None, view: None };

pub const STEPS: &[Step] = &[
    Step {
        chapter: 0,
        title: "One product, two jobs",
        text: "Attention gives every pair of tokens a score. The matrix of scores is the sum of two parts: a skew-symmetric one, in which what a token takes from another is the opposite of what it gives, and a symmetric one, the same both ways. The first routes information between positions. The second filters: it says how relevant two tokens are to each other.",
        target: ".stack-panel",
        scene: TRAINED,
    },
    Step {
        chapter: 0,
        title: "Both parts of one head",
        text: "Here are the scores of one head on the text above, and their two parts. In the routing part blue and vermilion are opposite signs: mirror a cell on the diagonal and its colour flips. Point at any cell for its value and its two tokens.",
        target: "#panel",
        scene: Scene { view: Some(View::Heads), ..TRAINED },
    },
    Step {
        chapter: 0,
        title: "How much of it is routing",
        text: "Each row is a layer, and its small bar splits the scores: blue is routing, green is filtering. In this model most of what the heads compute is routing. In S-D attention the two come from separate weights, S and D, so that they can be read off and switched off one by one.",
        target: ".stack .row:nth-child(2)",
        scene: TRAINED,
    },
    Step {
        chapter: 1,
        title: "How many dimensions routing uses",
        text: "A head of this model has 32 dimensions for routing. The effective rank says how many are in use: rings show what the weights could do, filled dots what they do on this text. Most heads use far fewer than they have.",
        target: "#cascade",
        scene: TRAINED,
    },
    Step {
        chapter: 1,
        title: "The spectral cascade",
        text: "This model starts from a small residual stream (α = 1). Nobody told it how much to route in which layer, and yet capacity begins below 3, little more than one rotation plane, and grows with depth. That is the spectral cascade.",
        target: "#cascade",
        scene: Scene { model: "sd-6m-a1", ..TRAINED },
    },
    Step {
        chapter: 1,
        title: "Cut the rest away",
        text: "Every head is now cut to the 8 strongest of its 32 routing dimensions: four rotation planes. Look at the perplexity: low rank is not only a figure in a plot. Move the slider to see where it begins to hurt.",
        target: ".rank-slider",
        scene: Scene { modes: Some("rank8*12"), ..TRAINED },
    },
    Step {
        chapter: 2,
        title: "Seven layers in linear time",
        text: "The first seven layers now use the first-order expansion of softmax. Their cost grows with the length of the text instead of its square, and they need no growing cache. Perplexity barely moves.",
        target: ".numbers",
        scene: Scene { modes: Some("linearized*7,softmax*5"), ..TRAINED },
    },
    Step {
        chapter: 2,
        title: "But are these layers used?",
        text: "The honest question. Here the same seven layers only average what they see. If that cost as little, they would be linearisable because they are idle. It costs far more: they do something, and what they do is simple enough to linearise. This model was trained for it: its card says how.",
        target: ".numbers",
        scene: Scene { modes: Some("uniform*7,softmax*5"), ..TRAINED },
    },
    Step {
        chapter: 2,
        title: "The standard twin collapses",
        text: "The same switches on a standard GPT-2 of the same size, trained on the same text. Its early layers have sharp heads that a first-order expansion cannot follow.",
        target: ".numbers",
        scene: Scene { model: "gpt2-6m", modes: Some("linearized*7,softmax*5"), view: None },
    },
    Step {
        chapter: 2,
        title: "Your turn",
        text: "Drag over the switches, open the sweep, type a text of your own. Share makes a link that shows exactly what you see, and checks itself when somebody opens it. When the tour ends, the page is as you left it.",
        target: ".tabs",
        scene: Scene { view: Some(View::Sweep), ..TRAINED },
    },
];

/// The first step of a chapter.
pub fn chapter_start(chapter: usize) -> usize {
    STEPS.iter().position(|step| step.chapter == chapter).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::parse_modes;
    use crate::zoo;

    #[test]
    fn chapters_follow_each_other_and_each_has_steps() {
        assert!(STEPS.windows(2).all(|pair| (0..=1).contains(&(pair[1].chapter - pair[0].chapter))));
        for chapter in 0..CHAPTERS.len() {
            let count = STEPS.iter().filter(|step| step.chapter == chapter).count();
            assert!((2..=5).contains(&count), "chapter {chapter} has {count} steps");
            assert_eq!(STEPS[chapter_start(chapter)].chapter, chapter);
        }
    }

    #[test]
    fn scenes_are_of_shipped_models() {
        for step in STEPS {
            let model = zoo::find(step.scene.model).expect(step.title);
            if let Some(modes) = step.scene.modes {
                parse_modes(modes, &model.trained()).expect(step.title);
            }
            assert!(step.text.len() < 480, "{} is too long for a card", step.title);
        }
    }
}
