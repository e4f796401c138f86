//! Which variant of a kernel this adapter runs fastest, found by a short measurement when it is opened.

use web_time::Instant;

use super::{Engine, EngineError, Gpu};
use crate::kernels::{Op, matmul, matmul_wide};
use crate::model::{Buffer, LayerPart, Step};

/// The matrix product that is measured: the size of a small model's projection.
const SIZE: matmul::Params = matmul::Params { rows: 128, inner: 192, cols: 192, flags: 0 };
/// Launches a measurement, so that it outlasts the clock's grain and the submission.
const LAUNCHES: usize = 4;
/// Measurements a variant; the fastest counts, since others only add waiting.
const ROUNDS: usize = 3;

/// Whether [`matmul_wide`] beats [`matmul`] here, by more than the noise of such a short measurement.
pub(super) async fn prefers_wide(gpu: &Gpu) -> Result<bool, EngineError> {
    let narrow = Op::Matmul(SIZE);
    let wide = Op::MatmulWide(matmul_wide::Params(SIZE));
    let (mut narrow_best, mut wide_best) = (f64::INFINITY, f64::INFINITY);
    let mut engine = Engine::gpu(gpu);
    let (x, weight) = (Buffer::Normed, Buffer::Layer(0, LayerPart::OutputWeight));
    engine.upload(x, &vec![0.5; (SIZE.rows * SIZE.inner) as usize])?;
    engine.upload(weight, &vec![0.5; (SIZE.cols * SIZE.inner) as usize])?;
    // The first round only warms the pipelines up.
    for round in 0..=ROUNDS {
        for (op, best) in [(narrow, &mut narrow_best), (wide, &mut wide_best)] {
            let step = Step { op, inputs: vec![x, weight, x, x], output: Buffer::Middle };
            let start = Instant::now();
            engine.run(&vec![step; LAUNCHES], &[(Buffer::Middle, 4)]).await?;
            if round > 0 {
                *best = best.min(start.elapsed().as_secs_f64());
            }
        }
    }
    Ok(wide_best < 0.9 * narrow_best)
}
