// The forward pass of altocast's network in ONNX Runtime, timed; compare_forward.py runs it in turns with altocast.
//
//   NODE_PATH=…/node_modules node onnxruntime_forward.js '{"channels":16,"depth":3,"height":128,"width":128,
//                                                         "threads":1,"activation":"relu","repeats":20}'
//
// Prints a line of JSON with the seconds of each run. The model is made here, by hand, with random weights: the field numbers
// below are those of onnx.proto. Time does not depend on the weights.
'use strict';
const job = JSON.parse(process.argv[2]);

// Protocol buffers: a field is its number and wire type, then a varint or a length and bytes.
function varint(value) {
  const bytes = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    if (rest < 128n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 127n) | 128);
  }
}
const integer = (field, value) => Buffer.concat([varint(field << 3), varint(value)]);
const bytes = (field, value) => {
  const data = Buffer.from(value);
  return Buffer.concat([varint((field << 3) | 2), varint(data.length), data]);
};
const message = (field, ...parts) => bytes(field, Buffer.concat(parts));

const kFloat = 1, kInt = 2, kString = 3, kInts = 7;
function attribute(name, value) {
  if (Array.isArray(value)) return message(5, bytes(1, name), ...value.map(v => integer(8, v)), integer(20, kInts));
  if (typeof value === 'string') return message(5, bytes(1, name), bytes(4, value), integer(20, kString));
  return message(5, bytes(1, name), integer(3, value), integer(20, kInt));
}

const nodes = [], initializers = [];
let names = 0;
function node(type, inputs, attributes = {}) {
  const output = 'v' + names++;
  nodes.push(message(1, ...inputs.map(name => bytes(1, name)), bytes(2, output), bytes(4, type),
                     ...Object.entries(attributes).map(([name, value]) => attribute(name, value))));
  return output;
}
function tensor(dims, values) {
  const name = 'w' + names++;
  const raw = Buffer.from(Float32Array.from(values).buffer);
  initializers.push(message(5, ...dims.map(d => integer(1, d)), integer(2, kFloat), bytes(8, name), bytes(9, raw)));
  return name;
}
function random(count, scale) {
  return Array.from({length: count}, () => (Math.random() - 0.5) * scale);
}
function convolution(source, inputs, outputs, kernel) {
  const weight = tensor([outputs, inputs, kernel, kernel],
                        random(outputs * inputs * kernel * kernel, Math.sqrt(24 / (inputs * kernel * kernel))));
  const pad = kernel >> 1;
  return node('Conv', [source, weight, tensor([outputs], random(outputs, 0.1))],
              {kernel_shape: [kernel, kernel], pads: [pad, pad, pad, pad]});
}
function block(source, inputs, outputs) {
  const z = convolution(source, inputs, outputs, 3);
  return job.activation === 'relu' ? node('Relu', [z]) : node('Mul', [z, node('Sigmoid', [z])]);
}
const valueInfo = (field, name, dims) =>
    message(field, bytes(1, name), message(2, message(1, integer(1, kFloat), message(2, ...dims.map(d => message(1, integer(1, d)))))));

const inputs = 4, leads = 8;
const channels = level => job.channels << level;
let value = 'frames', width = inputs;
const skips = [];
for (let level = 0; level <= job.depth; ++level) {
  if (level > 0) {
    skips.push(value);
    value = node('AveragePool', [value], {kernel_shape: [2, 2], strides: [2, 2]});
  }
  value = block(block(value, width, channels(level)), channels(level), channels(level));
  width = channels(level);
}
for (let level = job.depth - 1; level >= 0; --level) {
  const larger = node('Resize', [value, '', tensor([4], [1, 1, 2, 2])],
                      {mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor'});
  value = node('Concat', [larger, skips[level]], {axis: 1});
  value = block(block(value, channels(level + 1) + channels(level), channels(level)), channels(level), channels(level));
}
const output = node('Add', [convolution(value, channels(0), leads, 1), 'base']);
const {height, width: across} = {height: job.height, width: job.width};
const model = Buffer.concat([
  integer(1, 8), message(8, bytes(1, ''), integer(2, 13)),
  message(7, ...nodes, bytes(2, 'unet'), ...initializers, valueInfo(11, 'frames', [1, inputs, height, across]),
          valueInfo(11, 'base', [1, 1, height, across]), valueInfo(12, output, [1, leads, height, across]))
]);

async function main() {
  const ort = require('onnxruntime-node');
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: job.threads, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all'
  });
  const feeds = {
    frames: new ort.Tensor('float32', Float32Array.from(random(inputs * height * across, 1)), [1, inputs, height, across]),
    base: new ort.Tensor('float32', Float32Array.from(random(height * across, 1)), [1, 1, height, across])
  };
  const seconds = [];
  await session.run(feeds);
  for (let i = 0; i < job.repeats; ++i) {
    const start = process.hrtime.bigint();
    await session.run(feeds);
    seconds.push(Number(process.hrtime.bigint() - start) / 1e9);
  }
  const version = require('onnxruntime-node/package.json').version;
  console.log(JSON.stringify({version, seconds, peak_rss_bytes: process.resourceUsage().maxRSS * 1024}));
}
main();
