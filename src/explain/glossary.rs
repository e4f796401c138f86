//! The words of the page.

/// A word and what it means here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term {
    pub word: &'static str,
    pub meaning: &'static str,
}

/// In alphabetical order.
pub const GLOSSARY: &[Term] = &[
    term(
        "alpha (α)",
        "What the embeddings are multiplied by before the first layer. A small α starts the residual stream small: early layers then route little, and the cascade is clearest.",
    ),
    term(
        "baseline",
        "The same model on the same text with every layer as it was trained. Ratios and changes are against it.",
    ),
    term(
        "capacity",
        "A spectrum of the weights alone: what a head could route, whatever the text. Drawn as rings and outlines.",
    ),
    term(
        "cascade",
        "The effective rank of routing growing with depth, from about 2 at the first layer: the paper's spectral cascade.",
    ),
    term(
        "control",
        "A cruder simplification of the same layers, uniform averaging or no attention at all. If it costs as little as the linearisation, the layers were hardly used.",
    ),
    term(
        "effective rank",
        "How many singular values carry a spectrum: the exponential of the entropy of their shares. Equal values give their number, one dominant pair gives about 2.",
    ),
    term(
        "eigenvalues of M",
        "Where they lie in the complex plane tells routing (imaginary parts) from filtering (real parts). In S-D attention no real part is positive, by construction.",
    ),
    term(
        "filtering",
        "The symmetric part of the scores: pairs of tokens are relevant to each other by the same amount both ways.",
    ),
    term(
        "G",
        "The matrix of scores of one head on this text, one row a query, one column a key, before any mask or softmax.",
    ),
    term(
        "KV cache",
        "What a softmax layer keeps of all tokens read so far. It grows with the text; a linear layer keeps sums of a fixed size instead.",
    ),
    term(
        "linearized",
        "Softmax replaced by its first-order expansion about equal weights. Its cost grows with the length of the text, not with its square.",
    ),
    term("M", "The weight kernel of a head: the matrix that turns two residual vectors into a score."),
    term(
        "nat",
        "Unit of loss: the natural logarithm of one over the probability that the model gave the token that came.",
    ),
    term("operating", "A spectrum of the scores on the text on screen: what routing does here. Filled dots and bars."),
    term(
        "perplexity",
        "The exponential of the mean loss: among how many equally likely tokens the model is undecided on average.",
    ),
    term(
        "rank-k",
        "Attention whose routing is cut to its k strongest singular values, k/2 rotation planes; the filtering part stays whole.",
    ),
    term("residual stream", "The vector that each token carries from layer to layer; every layer adds to it."),
    term(
        "rotation plane",
        "A pair of equal singular values of a skew matrix: two directions between which information is passed, one way with a plus sign, the other way with a minus sign.",
    ),
    term(
        "routing",
        "The skew-symmetric part of the scores: what one token takes from another is the opposite of what it gives. It moves information between positions.",
    ),
    term("routing share", "The part of the squared size of the scores that is routing; the rest is filtering."),
    term(
        "S-D attention",
        "Heads whose scores are u (S − D) uᵀ with one shared projection u, a skew-symmetric S for routing and a positive D for filtering: the two are separate by construction, and no normalisation is needed.",
    ),
    term(
        "twin",
        "A standard GPT-2 of the same size, trained on the same text for as long: what S-D attention is compared with.",
    ),
    term("uniform", "Every visible token with the same weight: an average of the past. A control."),
];

const fn term(word: &'static str, meaning: &'static str) -> Term {
    Term { word, meaning }
}

#[cfg(test)]
mod tests {
    use super::GLOSSARY;

    #[test]
    fn words_are_in_order_and_meanings_are_sentences() {
        let words: Vec<String> = GLOSSARY.iter().map(|t| t.word.to_lowercase()).collect();
        assert!(words.windows(2).all(|pair| pair[0] < pair[1]), "{words:?}");
        assert!(GLOSSARY.iter().all(|t| t.meaning.ends_with('.') && t.meaning.len() < 260));
    }
}
