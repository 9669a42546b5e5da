/** The text that V8 compiles of a bundled module. A code cache belongs to exactly this text. */
export const moduleSource = (code: string): string =>
  `(function (exports, require, module, __filename, __dirname) {${code}\n})`
