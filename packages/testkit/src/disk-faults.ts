import type { FileHandle, FileSystem } from '@vigil/protocol'
import { systemError } from './simulated-disk.ts'

/**
 * What is wrong with a simulated disk right now: armed and disarmed at run time, asked before each operation. Knows
 * operations and their order, not files. Transient and persistent failures end with a crash, as a machine that comes
 * back finds its cable plugged in; a disk stays full until somebody makes room.
 */
export type FileOperation = keyof FileSystem | Exclude<keyof FileHandle, 'size' | 'close'>

/** A system code such as EIO for calls of one operation. */
export interface Failure {
  readonly operation: FileOperation
  readonly code: string
}

/** How a test breaks a simulated disk. */
export interface DiskFaults {
  /** The `nth` (default 1) call of an operation from now fails with a system code and has no effect; `suffix`: of those on paths that end so. */
  failNext(fault: Failure & { readonly nth?: number; readonly suffix?: string }): void
  /** Every call of an operation fails with a system code and has no effect, until `crash` or `heal`. */
  failFrom(operation: FileOperation, code: string): void
  /**
   * The disk is full but for `room` bytes (default 0): a write takes what lies inside its file or in what others have left, and
   * fails with ENOSPC when nothing does. It stays full over `crash` and `kill`, until `roomAgain`.
   */
  full(room?: number): void
  roomAgain(): void
  /** Each sync waits for `delay` before it commits, until `crash` or `heal`; what it takes is what was written before it. */
  slowSyncs(delay: () => Promise<void>): void
  /** The next write lands `by` bytes behind (below zero: before) where it was asked for, and is told as done. */
  misdirectNext(by: number): void
  /** Disarms all of the above except a full disk. */
  heal(): void
  /** After so many more changing operations every operation fails until `crash`: the moment between two operations. */
  cutPower(after: { readonly operations: number }): void
  /** How many changing operations were done so far. */
  operations(): number
  /** Stops every sync until `release`; `arrived` resolves when the first one waits. */
  holdSyncs(): { readonly arrived: Promise<void>; release(): void }
}

/** The side of the faults that the disk asks. */
export interface ArmedFaults {
  readonly controls: DiskFaults
  /** @throws what was armed for this call, after `failed`, which hears of a failure but not of lost power */
  begin(operation: FileOperation, path: string, failed?: () => void): void
  /** Bytes that files may still grow by. */
  room(): number
  /** Where a write that asks for `position` lands. */
  landing(position: number): number
  /** Resolves when a sync may commit. @throws EIO when the power went off meanwhile */
  syncing(path: string): Promise<void>
  crash(): void
  kill(): void
}

const changing = new Set<FileOperation>([
  'open',
  'write',
  'sync',
  'truncate',
  'makeDirectory',
  'rename',
  'remove',
  'syncDirectory',
])

/** `usedBytes`: what all files hold together. */
export function armedFaults(usedBytes: () => number): ArmedFaults {
  let done = 0
  let powerEndsAt = Number.POSITIVE_INFINITY
  let transient: (Failure & { readonly suffix: string; left: number })[] = []
  let persistent: Failure[] = []
  let capacity = Number.POSITIVE_INFINITY
  let delay: (() => Promise<void>) | undefined
  let misdirectedBy = 0
  let held: { promise: Promise<void>; arrived: () => void } | undefined

  const controls: DiskFaults = {
    failNext: ({ operation, code, nth = 1, suffix = '' }) =>
      void transient.push({ operation, code, suffix, left: nth }),
    failFrom: (operation, code) => void persistent.push({ operation, code }),
    full(room = 0) {
      capacity = usedBytes() + room
    },
    roomAgain() {
      capacity = Number.POSITIVE_INFINITY
    },
    slowSyncs(wait) {
      delay = wait
    },
    misdirectNext(by) {
      misdirectedBy = by
    },
    heal() {
      transient = []
      persistent = []
      delay = undefined
      misdirectedBy = 0
    },
    cutPower({ operations }) {
      powerEndsAt = done + operations
    },
    operations: () => done,
    holdSyncs() {
      const gate = Promise.withResolvers<void>()
      const arrived = Promise.withResolvers<void>()
      held = { promise: gate.promise, arrived: arrived.resolve }
      return {
        arrived: arrived.promise,
        release() {
          held = undefined
          gate.resolve()
        },
      }
    },
  }

  return {
    controls,
    begin(operation, path, failed) {
      if (done >= powerEndsAt) throw systemError('EIO', `the power is off, ${operation}`, path)
      const due = transient.find(
        (fault) => fault.operation === operation && path.endsWith(fault.suffix) && --fault.left === 0,
      )
      transient = transient.filter((fault) => fault.left > 0)
      const failure = due ?? persistent.find((fault) => fault.operation === operation)
      if (failure !== undefined) {
        failed?.()
        throw systemError(failure.code, `a fault was asked for, ${operation}`, path)
      }
      if (changing.has(operation)) done += 1
    },
    room: () => (capacity === Number.POSITIVE_INFINITY ? capacity : capacity - usedBytes()),
    landing(position) {
      const landed = Math.max(0, position + misdirectedBy)
      misdirectedBy = 0
      return landed
    },
    async syncing(path) {
      held?.arrived()
      await held?.promise
      await delay?.()
      // The disk works while others go on; what they write meanwhile is not part of this sync.
      await Promise.resolve()
      if (done >= powerEndsAt) throw systemError('EIO', 'the power went off, sync', path)
    },
    crash() {
      controls.heal()
      powerEndsAt = Number.POSITIVE_INFINITY
    },
    kill() {
      // What is wrong with the disk outlives a process; a fault that was meant for its next call does not.
      transient = []
      misdirectedBy = 0
      powerEndsAt = Number.POSITIVE_INFINITY
    },
  }
}
