import { z } from 'zod'

/**
 * Why a life ended, with the evidence. Only `normal` and `shutdown` are normal exits.
 * Figures come from /proc and exit statuses; what a hub merely said is in `hint`.
 */
export const exitCauseSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('normal') }),
  z.strictObject({ kind: z.literal('shutdown'), hint: z.string().optional() }),
  z.strictObject({ kind: z.literal('error'), message: z.string(), stack: z.string().optional() }),
  z.strictObject({ kind: z.literal('exit_code'), code: z.number() }),
  z.strictObject({ kind: z.literal('signal'), signal: z.string(), hint: z.string().optional() }),
  z.strictObject({ kind: z.literal('memory'), used_mb: z.number(), limit_mb: z.number(), hint: z.string().optional() }),
  z.strictObject({ kind: z.literal('start_timeout'), after_ms: z.number() }),
  z.strictObject({ kind: z.literal('heartbeat_lost'), silent_ms: z.number() }),
  z.strictObject({ kind: z.literal('wedged'), stopped_after_ms: z.number() }),
  /** `collateral`: it sat in the cell with others, and none of them can be blamed for certain. */
  z.strictObject({ kind: z.literal('cell_lost'), hint: z.string().optional(), collateral: z.literal(true).optional() }),
  z.strictObject({ kind: z.literal('cell_forged'), hint: z.string() }),
  z.strictObject({ kind: z.literal('failures'), count: z.number() }),
])
export type ExitCause = z.infer<typeof exitCauseSchema>

/** True for whoever sat in a cell that died of somebody else, as far as can be told. */
export function isCollateral(cause: ExitCause): boolean {
  return cause.kind === 'cell_lost' && cause.collateral === true
}

/** True for the two ends that `on_failure` does not restart. */
export function isNormalExit(cause: ExitCause): boolean {
  return cause.kind === 'normal' || cause.kind === 'shutdown'
}
