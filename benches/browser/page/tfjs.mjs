// TensorFlow.js on its WebGPU back end: the same matrices, written with its own operations.
import { bytes, fastest, fullRun, json, shifted } from "./common.mjs";

const library = async () => {
  if (!window.tf) {
    // Scripts, not modules; both put themselves into `window.tf` all the same.
    await import("/peers/@tensorflow/tfjs/dist/tf.min.js");
    await import("/peers/@tensorflow/tfjs-backend-webgpu/dist/tf-backend-webgpu.min.js");
    await window.tf.setBackend("webgpu");
    await window.tf.ready();
  }
  if (window.tf.getBackend() !== "webgpu") throw new Error(`the back end is ${window.tf.getBackend()}`);
  return window.tf;
};

const forward = (tf, { config, tensors }, data) => {
  const w = {};
  for (const [name, { at, shape }] of Object.entries(tensors)) {
    const length = shape.reduce((product, side) => product * side, 1);
    w[name] = tf.tensor(data.subarray(at, at + length), shape);
  }
  const scalar = (value) => tf.scalar(value);
  const linear = (x, name) => tf.fused.matMul({ a: x, b: w[name], bias: w[`${name}.bias`] });
  const norm = (x, name) => {
    if (config.family === "sd") return x;
    const { mean, variance } = tf.moments(x, 1, true);
    return x.sub(mean).mul(tf.rsqrt(variance.add(scalar(config.epsilon)))).mul(w[name]).add(w[`${name}.bias`]);
  };
  const gelu = (x) => {
    const inner = x.add(x.mul(x).mul(x).mul(scalar(0.044715))).mul(scalar(Math.sqrt(2 / Math.PI)));
    return x.mul(scalar(0.5)).mul(tf.tanh(inner).add(scalar(1)));
  };
  for (let i = 0; i < config.layers; i += 1) {
    // The scores' scale goes into q's matrix, once.
    const scale = scalar(1 / Math.sqrt(config.head_dim[i]));
    for (const name of [`${i}.q`, `${i}.q.bias`]) if (w[name]) w[name] = w[name].mul(scale);
  }
  let mask;
  return async (tokens) => {
    const [ids, targets] = shifted(tokens);
    const length = tokens.length;
    mask ??= tf.tidy(() => tf.linalg.bandPart(tf.ones([length, length]), -1, 0).sub(scalar(1)).mul(scalar(1e9)));
    const loss = tf.tidy(() => {
      let x = tf.gather(w.start, tf.tensor1d(ids, "int32")).add(w.position.slice(0, length));
      for (let i = 0; i < config.layers; i += 1) {
        const normed = norm(x, `${i}.norm1`);
        const heads = (name) => linear(normed, `${i}.${name}`).reshape([length, config.heads, -1]).transpose([1, 0, 2]);
        const scores = tf.matMul(heads("q"), heads("k"), false, true).add(mask);
        const mixed = tf.matMul(tf.softmax(scores), heads("v")).transpose([1, 0, 2]).reshape([length, -1]);
        x = x.add(linear(mixed, `${i}.o`));
        x = x.add(linear(gelu(linear(norm(x, `${i}.norm2`), `${i}.up`)), `${i}.down`));
      }
      x = norm(x, "norm");
      const target = x.mul(tf.gather(w.token, tf.tensor1d(targets, "int32"))).sum(1);
      return tf.logSumExp(tf.matMul(x, w.token, false, true), 1).sub(target);
    });
    const data = await loss.data();
    loss.dispose();
    return data;
  };
};

export const open = async (_contestant, model, answers) => {
  const tf = await library();
  const table = await json(`/models/${model}.weights.json`);
  const data = new Float32Array((await bytes(`/models/${model}.weights.bin`)).buffer);
  const prepare = () => forward(tf, table, data);
  const { run, facts } = await fastest({ operations: prepare }, answers.texts[0]);
  return { facts: { ...facts, version: tf.version.tfjs }, full: fullRun(run) };
};
