// jax-js on WebGPU: singular values of the small matrices of all heads, which it gets ready made.
import { bytes, seconds, spectraError } from "./common.mjs";

export const open = async (_contestant, model, answers) => {
  const jax = await import("/peers/@jax-js/jax/dist/index.js");
  await jax.init("webgpu");
  jax.defaultDevice("webgpu");
  const { numpy: np } = jax;
  const { shape } = answers.spectra;
  const side = shape.at(-1);
  const data = new Float32Array((await bytes(`/models/${model}.spectra.bin`)).buffer);
  const matrices = np.array(data).reshape([data.length / side / side, side, side]);
  const spectra = async () => {
    const { ms, result } = await seconds(async () => await np.linalg.svdvals(matrices.ref).data());
    return { ms, ...spectraError(result, answers.spectra) };
  };
  return { facts: { matrices: `${data.length / side / side} of ${side}×${side}` }, spectra };
};
