/**
 * Branded identifiers: plain strings on the wire, distinct types in code, so that a turn id cannot be
 * passed where an event id is meant.
 */
declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

/** Name of a process, as its manifest gives it: `^[A-Za-z][A-Za-z0-9_-]{0,63}$`. */
export type ProcessName = Branded<'ProcessName'>
export const processNamePattern = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/
/** One accepted trigger event. */
export type EventId = Branded<'EventId'>
/** One turn: the durable handling of one event. */
export type TurnId = Branded<'TurnId'>
/** Stable id of one trigger of one process. */
export type TriggerId = Branded<'TriggerId'>
/** Names one effect inside its turn: kind, name, input hash and occurrence. */
export type StepKey = Branded<'StepKey'>

/** Records of the runtime itself carry this process; no manifest can take the name. */
export const runtimeProcess = '@runtime' as ProcessName

/** How long one life of a process has the right to speak: grows by one with each start. */
export type Epoch = number
