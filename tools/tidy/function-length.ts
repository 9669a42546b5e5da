/**
 * The functions of a formatted file by their indentation: a function begins on a line that ends in `{` behind a
 * signature and ends at the next `}` in the same column. The formatter makes that exact enough to do without a compiler.
 *
 * A line belongs to its innermost function. A factory whose closures are the methods of what it returns is therefore
 * measured like a class: by its methods, and by what is left of itself.
 */
export interface MeasuredFunction {
  /** 1-based. */
  readonly line: number
  readonly length: number
}

const opens =
  /(=>|\bfunction\b.*|^\s*(async |get |set |override |private )*(\*|#|\[)?(?!if\b|for\b|while\b|switch\b|catch\b)[\w.\]]+(<.*>)?\(.*\)(: .+)?|^\s*\)(: .+)?) \{$/
const indentOf = (line: string): number => line.length - line.trimStart().length

export function measuredFunctions(text: string): MeasuredFunction[] {
  const done: MeasuredFunction[] = []
  const open: { line: number; indent: number; length: number }[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const innermost = open.at(-1)
    if (innermost !== undefined) {
      innermost.length += 1
      if (line.trimStart().startsWith('}') && indentOf(line) === innermost.indent) done.push(...open.splice(-1))
    }
    if (opens.test(line)) open.push({ line: index + 1, indent: indentOf(line), length: 1 })
  }
  return done.map(({ line, length }) => ({ line, length }))
}
