/** Numbers at the edges of what 64 bits hold. */

export const EDGE_NUMBERS = [
  0,
  -0,
  1,
  -1,
  0.1,
  2 ** 53,
  2 ** 53 + 2,
  -(2 ** 63),
  1.7976931348623157e308,
  5e-324,
  1e21,
  1e-7,
];
