import { errorCode } from '@vigil/protocol'

/** fetch says "fetch failed" and hides the reason in a chain of causes, some of them lists. */
function causes(error: unknown): unknown[] {
  const chain = [error]
  for (let depth = 0; depth < 5; depth++) {
    const { cause, errors } = chain.at(-1) as { cause?: unknown; errors?: readonly unknown[] }
    const next = cause ?? errors?.[0]
    if (next === undefined) break
    chain.push(next)
  }
  return chain
}

export const codedCause = (error: unknown): unknown => causes(error).find((each) => errorCode(each) !== undefined)

export function reasonOf(error: unknown): string {
  const inner = causes(error).at(-1)
  const { message, code } = inner as { message?: string; code?: string }
  return message || code || String(inner)
}

/** What the system calls it, such as ECONNREFUSED. */
export const systemCode = (error: unknown): string | undefined =>
  causes(error)
    .map((each) => (each as { readonly code?: unknown }).code)
    .findLast((code) => typeof code === 'string')
