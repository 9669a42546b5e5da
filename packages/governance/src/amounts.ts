/** What can be spent and limited. */
export const kinds = ['usd', 'tokens', 'tool_calls', 'model_calls', 'irreversible', 'runs'] as const
export type Kind = (typeof kinds)[number]

/** So much of each; absent is 0 of what is spent, and no limit of what is limited. Whole numbers: dollars are counted in millionths. */
export type Amounts = { readonly [K in Kind]?: number | undefined }

export const plus = (a: Amounts, b: Amounts): Amounts => each((kind) => (a[kind] ?? 0) + (b[kind] ?? 0))

/** Nothing is ever less than nothing: what was lost to a repair of the log may be given back without having been taken. */
export const minus = (a: Amounts, b: Amounts): Amounts => each((kind) => Math.max(0, (a[kind] ?? 0) - (b[kind] ?? 0)))

export const least = (a: Amounts, b: Amounts): Amounts => each((kind) => Math.min(a[kind] ?? 0, b[kind] ?? 0))

function each(amount: (kind: Kind) => number): Amounts {
  const result: { [K in Kind]?: number } = {}
  for (const kind of kinds) {
    const found = amount(kind)
    if (found !== 0) result[kind] = found
  }
  return result
}

const micros = 1_000_000

/** Dollars in millionths. What costs less than one costs one, so that nothing becomes free by being cheap. */
export const fromDollars = (dollars: number): number => Math.ceil(Number((dollars * micros).toPrecision(15)))

export const toDollars = (amount: number): number => amount / micros
