/**
 * YAML's own traps: a value that begins with one of its signs is no text, and the parser's words for that
 * help nobody. The cure is always the same, so the hint is the quoted line to write.
 */
const trapped = /^(\s*(?:-\s+)?(?:[\w.-]+:\s+)?)([*#{@`&!%|>].*?)\s*$/

/** The line with its value in quotes, or undefined when the line is no trap. */
export function quotedLine(line: string): string | undefined {
  const match = trapped.exec(line)
  const [, head, value] = match ?? []
  if (head === undefined || value === undefined || head.trim() === '') return undefined
  // A whole flow map or list is meant as it stands.
  if (/^\{.*:.*\}$/.test(value) && !value.startsWith('{{')) return undefined
  return `write ${head.trim()} ${JSON.stringify(value)}`
}
