/**
 * `${NAME}` and `${NAME:-default}` in a text; `$${` stands for a literal `${`. An empty variable counts as
 * unset when there is a default, as in a shell.
 */
export interface Resolved {
  readonly text: string
  /** Names that have neither a value nor a default; they stay in the text as written. */
  readonly missing: readonly string[]
}

export type Environment = Readonly<Record<string, string | undefined>>

const reference = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g

export function resolveEnvironment(text: string, env: Environment): Resolved {
  const missing: string[] = []
  const resolved = text.replace(reference, (whole: string, name: string | undefined, fallback: string | undefined) => {
    if (name === undefined) return '${'
    const value = env[name]
    if (value !== undefined && (value !== '' || fallback === undefined)) return value
    if (fallback !== undefined) return fallback
    missing.push(name)
    return whole
  })
  return { text: resolved, missing }
}

/** True when the text is one reference and nothing else: then its value may stand for a number or a flag. */
export const isReference = (text: string): boolean => /^\$\{[A-Za-z_][^}]*\}$/.test(text)
