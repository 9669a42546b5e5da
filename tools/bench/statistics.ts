/** Medians and ratios: the machines that run this are noisy, so absolute figures mean little alone. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** One line of the result: `value` in `unit`, beside what it is measured against in the same round. */
export interface Row {
  readonly name: string
  readonly unit: string
  readonly value: number
  readonly beside?: { readonly name: string; readonly value: number }
  /** Median of the per-round ratios value / beside. */
  readonly ratio?: number
  readonly target?: string
}

export function row(
  name: string,
  unit: string,
  values: readonly number[],
  beside?: { name: string; values: readonly number[] },
  target?: string,
): Row {
  const base = { name, unit, value: median(values), ...(target === undefined ? {} : { target }) }
  if (beside === undefined) return base
  const ratios = values.map((value, round) => value / (beside.values[round] ?? Number.NaN))
  return { ...base, beside: { name: beside.name, value: median(beside.values) }, ratio: median(ratios) }
}

export function markdown(rows: readonly Row[]): string {
  const figure = (value: number): string =>
    value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
  const lines = rows.map(
    ({ name, unit, value, beside, ratio, target }) =>
      `| ${name} | ${figure(value)} ${unit} | ${beside === undefined ? '' : `${beside.name}: ${figure(beside.value)}`} | ${ratio === undefined ? '' : ratio.toFixed(2)} | ${target ?? ''} |`,
  )
  return ['| what | median | beside, same rounds | ratio | target |', '|---|---|---|---|---|', ...lines].join('\n')
}
