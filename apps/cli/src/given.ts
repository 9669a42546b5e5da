import { resolve } from 'node:path'
import { VigilError } from '@vigil/protocol'

/** Where a value on the command line may come from. */
export interface Inputs {
  readonly cwd: string
  readonly read: (path: string) => string | undefined
  readonly stdin: () => Promise<string>
}

/** The text itself, that of `@FILE`, or what comes on stdin for `-`. @throws INVALID_ARGUMENT */
export async function textOf(given: string, { cwd, read, stdin }: Inputs): Promise<string> {
  if (given === '-') return await stdin()
  if (!given.startsWith('@')) return given
  const path = resolve(cwd, given.slice(1))
  const text = read(path)
  if (text === undefined) throw new VigilError('INVALID_ARGUMENT', `expected a file ${path}, found none`)
  return text
}

/** The same, as JSON. @throws INVALID_JSON */
export async function jsonOf(given: string, what: string, inputs: Inputs): Promise<unknown> {
  const text = await textOf(given, inputs)
  try {
    return JSON.parse(text)
  } catch (error) {
    const found = text.length > 100 ? `${text.slice(0, 97)}...` : text
    throw new VigilError('INVALID_JSON', `${what}: expected JSON, found ${JSON.stringify(found)}`, { cause: error })
  }
}
