/** Pieces of graphs with seeded random weights: transformer layers, patches as tokens, norms. */

import type { GraphBuilder } from "./onnx-writer.ts";

export interface Tower {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
}

/** A tower for square pictures of `size` pixels a side, cut into patches of `patch`. */
export interface VisionTower extends Tower {
  readonly size: number;
  readonly patch: number;
}

/** The patches of `pixel_values` as tokens with their positions, a class token in front where one is asked for. */
export function patchTokens(
  graph: GraphBuilder,
  random: Random,
  { hidden, patch, size }: VisionTower,
  classToken: boolean,
): string {
  const cells = (size / patch) ** 2;
  const kernel = random("patch", [hidden, 3, patch, patch], 3 * patch * patch);
  const patches = graph.node("Conv", ["pixel_values", kernel], {
    strides: [patch, patch],
    kernel_shape: [patch, patch],
  });
  const flat = graph.node("Reshape", [patches, graph.integers([0, hidden, -1])]);
  const tokens = graph.node("Transpose", [flat], { perm: [0, 2, 1] });
  if (!classToken) return graph.node("Add", [tokens, random("position", [1, cells, hidden], hidden)]);
  const batch = graph.node("Gather", [graph.node("Shape", ["pixel_values"]), graph.integers([0])], {
    axis: 0,
  });
  const classShape = graph.node("Concat", [batch, graph.integers([1, hidden])], { axis: 0 });
  const first = graph.node("Expand", [random("class", [1, 1, hidden], 1), classShape]);
  const sequence = graph.node("Concat", [first, tokens], { axis: 1 });
  return graph.node("Add", [sequence, random("position", [1, cells + 1, hidden], hidden)]);
}

/** Makes named weights of a shape. */
export type Random = (name: string, shape: readonly number[], fanIn: number) => string;

/** One transformer layer: attention and a feed-forward part, each added to what came in. */
export function block(
  graph: GraphBuilder,
  random: Random,
  name: string,
  input: string,
  tower: Tower,
  mask?: string,
): string {
  const { hidden, heads } = tower;
  const linear = (at: string, from: string, inner: number, outer: number) =>
    graph.node("Add", [
      graph.node("MatMul", [from, random(`${name}.${at}`, [inner, outer], inner)]),
      random(`${name}.${at}.bias`, [outer], inner),
    ]);
  const normed = layerNorm(graph, `${name}.norm1`, input, hidden);
  const split = (at: string, perm: readonly number[]) =>
    graph.node(
      "Transpose",
      [
        graph.node("Reshape", [
          linear(at, normed, hidden, hidden),
          graph.integers([0, 0, heads, hidden / heads]),
        ]),
      ],
      { perm },
    );
  const product = graph.node("MatMul", [split("query", [0, 2, 1, 3]), split("key", [0, 2, 3, 1])]);
  const scale = graph.weights(`${name}.scale`, [], new Float32Array([Math.sqrt(heads / hidden)]));
  const scores = graph.node("Mul", [product, scale]);
  const masked = mask === undefined ? scores : graph.node("Add", [scores, mask]);
  const mixed = graph.node("MatMul", [
    graph.node("Softmax", [masked], { axis: -1 }),
    split("value", [0, 2, 1, 3]),
  ]);
  const joined = graph.node("Transpose", [mixed], { perm: [0, 2, 1, 3] });
  const flat = graph.node("Reshape", [joined, graph.integers([0, 0, hidden])]);
  const attended = graph.node("Add", [input, linear("output", flat, hidden, hidden)]);
  const wide = linear("up", layerNorm(graph, `${name}.norm2`, attended, hidden), hidden, hidden * 4);
  const sharp = graph.weights(`${name}.gelu`, [], new Float32Array([1.702]));
  const gate = graph.node("Sigmoid", [graph.node("Mul", [wide, sharp])]);
  const active = graph.node("Mul", [wide, gate]);
  return graph.node("Add", [attended, linear("down", active, hidden * 4, hidden)]);
}

export function layerNorm(graph: GraphBuilder, name: string, input: string, hidden: number): string {
  const scale = graph.weights(`${name}.scale`, [hidden], new Float32Array(hidden).fill(1));
  const bias = graph.weights(`${name}.bias`, [hidden], new Float32Array(hidden));
  return graph.node("LayerNormalization", [input, scale, bias], { axis: -1, epsilon: { float: 1e-5 } });
}

export function causalMask(length: number): Float32Array {
  return Float32Array.from({ length: length * length }, (_, i) =>
    i % length > Math.floor(i / length) ? -1e9 : 0,
  );
}

/** Adds weights spread evenly around zero with variance `1 / fanIn`, so that signals keep their size. */
export function randomWeights(graph: GraphBuilder, seed: number): Random {
  let count = 0;
  return (name, shape, fanIn) => {
    const start = Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(++count, 0x85ebca6b);
    const length = shape.reduce((product, size) => product * size, 1);
    return graph.weights(name, shape, () => uniform(length, Math.sqrt(12 / fanIn), start));
  };
}

/** Numbers within `width` / 2 of zero, from Marsaglia's xorshift. */
function uniform(length: number, width: number, seed: number): Float32Array {
  const values = new Float32Array(length);
  const factor = width / 2 ** 32;
  let state = seed | 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    values[i] = state * factor;
  }
  return values;
}
