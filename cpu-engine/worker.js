// The CPU engine's thread; the page's end is src/engine/worker.rs. Messages are handled in the order in which they
// come: { buffer, words } fills a buffer; { run, program, read } runs launches and answers { run, results } with the
// first words of buffers, or { run, error }.

async function compile(file) {
  const response = await fetch(new URL(file, self.location));
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${response.statusText}`);
  return WebAssembly.compile(await response.arrayBuffer());
}

async function load() {
  let module;
  try {
    module = await compile("simd.wasm");
  } catch (error) {
    // Browsers from before 2023 may not know SIMD.
    if (!(error instanceof WebAssembly.CompileError)) throw error;
    module = await compile("scalar.wasm");
  }
  return (await WebAssembly.instantiate(module)).exports;
}

// Whatever allocates may give the module another memory.buffer: ask for it last.
function copyIn(engine, address, words) {
  new words.constructor(engine.memory.buffer, address, words.length).set(words);
}

function run(engine, { run, program, read }) {
  copyIn(engine, engine.program(program.length), program);
  engine.run();
  const results = [];
  for (let i = 0; i < read.length; i += 2) {
    const address = engine.address(read[i]);
    results.push(new Float32Array(engine.memory.buffer, address, read[i + 1]).slice());
  }
  postMessage({ run, results }, results.map((words) => words.buffer));
}

const engine = load();
let done = engine.catch(() => {});

onmessage = ({ data }) => {
  done = done.then(async () => {
    try {
      if (data.words) copyIn(await engine, (await engine).resize(data.buffer, data.words.length), data.words);
      else run(await engine, data);
    } catch (error) {
      if (data.run) postMessage({ run: data.run, error: String(error) });
    }
  });
};
