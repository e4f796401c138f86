// What unembedding hands over to the merge, a token and slab of the vocabulary. While it is under construction:
struct Running {
    top: Top,
    largest: f32,
    sum: f32,
    target_logit: f32,
}

// As it is stored: largest logit, Σ exp(logit − largest), target logit, 0, five logits, their ids, 0, 0.
struct Record {
    head: vec4<f32>,
    values: vec4<f32>,
    middle: vec4<f32>,
    tail: vec4<f32>,
}

fn running_new() -> Running {
    return Running(top_new(), NONE, 0.0, NONE);
}

fn record_of(state: Running) -> Record {
    let top = state.top;
    return Record(
        vec4<f32>(state.largest, state.sum, state.target_logit, 0.0),
        top.values,
        vec4<f32>(top.value4, top.ids.xyz),
        vec4<f32>(top.ids.w, top.id4, 0.0, 0.0),
    );
}
