/** Deliberately broken builds of the house. Each is a bug that somebody could write; the simulation has to see it. */
export interface BrokenBuild {
  readonly name: string
  readonly file: string
  readonly find: string
  readonly replace: string
  /** A seed that sees it, for whoever has no time for the first two hundred; 1 unless given. */
  readonly seenBy?: number
  /** Seen by the fleet that spends. */
  readonly spends?: true
}

export const brokenBuilds: readonly BrokenBuild[] = [
  {
    name: 'skips the sync of the journal',
    file: 'packages/journal/src/segment-writer.ts',
    find: "    await handle.sync()\n    faultPoint('journal.flush.after_sync')",
    replace: "    faultPoint('journal.flush.after_sync')",
  },
  {
    name: 'does not make the name of a new segment durable',
    file: 'packages/journal/src/segment-writer.ts',
    find: '    await fileSystem.syncDirectory(directory)\n',
    replace: '',
  },
  {
    name: 'answers a request before the event is durable',
    file: 'packages/supervisor/src/delivery/accept.ts',
    find: 'await log.commitDurably([',
    replace: 'log.commit([',
    seenBy: 47,
  },
  {
    name: 'accepts an idempotency key twice',
    file: 'packages/supervisor/src/delivery/accept.ts',
    find: 'key === undefined ? undefined : process.dedupe.get',
    replace: 'key !== undefined ? undefined : process.dedupe.get',
  },
  {
    name: 'acts before the intent is durable',
    file: 'packages/supervisor/src/gate/act-outside.ts',
    find: 'await journal.durable(flights.intend(',
    replace: 'void (flights.intend(',
  },
  {
    name: 'repeats what may not be repeated',
    file: 'packages/supervisor/src/gate/effects/fetch.ts',
    find: '}): boolean => idempotent === true || repeatableMethods.has(method)',
    replace: '}): boolean => true',
    seenBy: 8,
  },
  {
    name: 'runs a tool twice that may run once',
    file: 'packages/supervisor/src/gate/guest-work.ts',
    find: 'if (before.repeatable) return leave(',
    replace: 'return leave(',
  },
  {
    name: 'tells the guest of outcomes out of order',
    file: 'packages/supervisor/src/gate/reply-order.ts',
    find: 'if (durable === undefined && line === undefined) return go()',
    replace: 'if (durable === undefined) return go()',
    seenBy: 107,
  },
  {
    name: 'makes an effect again that is under way for an earlier life',
    file: 'packages/supervisor/src/gate/gate.ts',
    find: 'if (under !== undefined) return under',
    replace: '',
  },
  {
    name: 'drops a mailbox item at a checkpoint',
    file: 'packages/supervisor/src/fold/checkpoint-row.ts',
    find: 'mailbox: [...process.mailbox],',
    replace: 'mailbox: [...process.mailbox].slice(1),',
    seenBy: 2,
  },
  {
    name: 'saves a checkpoint for more than it holds',
    file: 'packages/supervisor/src/runtime/checkpointer.ts',
    find: '      seq,\n      at,',
    replace: '      seq: log.journal.lastSeq,\n      at,',
    seenBy: 15,
  },
  {
    name: 'gives a new life the epoch of the one before',
    file: 'packages/supervisor/src/processes/lives.ts',
    find: 'epoch: fold.epoch + 1',
    replace: 'epoch: Math.max(1, fold.epoch)',
  },
  {
    name: 'counts a restart twice',
    file: 'packages/supervisor/src/supervision/tree/restart-counter.ts',
    find: 'return countRestart(window, aliveMs, {',
    replace: 'return countRestart(countRestart(window, aliveMs, { maxRestarts: 9, periodMs: 1e9 }).window, aliveMs, {',
  },
  {
    name: 'ends the same turn twice',
    file: 'packages/supervisor/src/processes/turn-runner.ts',
    find: 'if (pumping) return',
    replace: '',
    seenBy: 314,
  },
  {
    name: 'leaves the cells of a dead ring 0 alive',
    file: 'packages/supervisor/src/runtime/open.ts',
    find: 'await cells.endOrphans()',
    replace: '0',
  },
  {
    name: 'keeps bundles in a folder that a power cut takes away',
    file: 'packages/supervisor/src/runtime/bundle-store.ts',
    find: 'await makeDurableDirectory(fileSystem, folder)',
    replace: 'await fileSystem.makeDirectory(folder)',
  },
  {
    name: 'deploys a process and says later that it should run',
    file: 'packages/supervisor/src/runtime/deployment.ts',
    find: '...(fold === undefined && start !== false ? [desired] : []),',
    replace: '',
    seenBy: 67,
  },
  {
    name: 'loses the state of every tenth turn',
    file: 'packages/supervisor/src/fold/turn-fold.ts',
    find: '  commitWrites(process,',
    replace: '  if (process.completed % 10 !== 0) commitWrites(process,',
  },
  {
    name: 'answers a replay in the order of asking',
    file: 'packages/agent/src/guest/replay.ts',
    find: '        arm()\n      })\n    },\n    cover',
    replace: '        give(entry)\n      })\n    },\n    cover',
    seenBy: 12,
  },
  {
    name: 'asks the machine for the time',
    file: 'packages/supervisor/src/gate/flight.ts',
    find: 'new Date(clock.now()).toISOString()',
    replace: 'new Date(Date.now()).toISOString()',
  },
  {
    name: 'lays the death of a shared cell on everybody in it',
    file: 'packages/supervisor/src/processes/lives.ts',
    find: 'else if (isCollateral(cause)) goOn(mine, { cause, turns, ran })',
    replace: '',
  },
  {
    name: 'leaves a turn cold whose guest was given up while it waited',
    file: 'packages/supervisor/src/processes/turn-runner.ts',
    find: 'if (waiting.delete(turn)) pump()',
    replace: 'void turn',
  },
  {
    name: 'does not wake who rests',
    file: 'packages/supervisor/src/processes/turn-runner.ts',
    find: 'parts.wake()',
    replace: 'void 0',
  },
  {
    name: 'keeps the room of whoever has left',
    file: 'packages/supervisor/src/residency/wake-admission.ts',
    find: 'for (const set of [beginning, there, idle, resting])',
    replace: 'for (const set of [beginning, idle, resting])',
  },
  {
    name: 'lets a turn go on that waits for a word of a person',
    file: 'packages/supervisor/src/delivery/admission.ts',
    find: 'if (running.has(turn.turn) || waitsForPerson(turn)) continue',
    replace: 'if (running.has(turn.turn)) continue',
    seenBy: 19,
  },
  {
    name: 'confirms a cancel that is not on record',
    file: 'packages/supervisor/src/processes/turn-runner.ts',
    find: '      log.commit([...charged(record), record])',
    replace: '      void [...charged(record), record]',
    seenBy: 4,
  },
  {
    name: 'takes every slot, whatever its overlap says',
    file: 'packages/supervisor/src/triggers/cron-policy.ts',
    find: 'taken: most === undefined ? due : due.slice(0, Math.max(0, most - unfinished))',
    replace: 'taken: most === undefined ? due : due.slice(0, Math.max(9, most - unfinished))',
    seenBy: 44,
  },
  {
    name: 'handles the oldest of those that settle, and gives up the newest',
    file: 'packages/supervisor/src/delivery/candidates.ts',
    find: 'return { events: [last], rules, superseded: events.slice(0, -1),',
    replace: 'return { events: [events[0]], rules, superseded: events.slice(1),',
    seenBy: 14,
  },
  {
    name: 'ends an event that gave way without a record',
    file: 'packages/supervisor/src/processes/turn-runner.ts',
    find: 'for (const { event_id: old } of superseded)\n      log.commit([',
    replace: 'for (const { event_id: old } of superseded)\n      process.mailbox.delete(old) && void ([',
    seenBy: 14,
  },
  {
    name: 'asks its own purse alone',
    file: 'packages/supervisor/src/ledger/ledger.ts',
    find: 'return [process, ...above].map(',
    replace: 'return [process, ...above].slice(0, 1).map(',
    spends: true,
  },
  {
    name: 'gives back what a turn had begun when it ends',
    file: 'packages/supervisor/src/processes/turn-runner.ts',
    find: "type === 'turn.attempt_failed' || type === 'turn.parked' ? []",
    replace: "type.startsWith('turn.') ? []",
    spends: true,
  },
  {
    name: 'frees what is reserved and forgets that it was spent',
    file: 'packages/supervisor/src/fold/purse-fold.ts',
    find: 'settle(purse, released, spent))',
    replace: 'settle(purse, released, {}))',
    spends: true,
  },
  {
    name: 'gives a refund to a day that has not paid',
    file: 'packages/governance/src/purse.ts',
    find: 'periodEnd(unit, atMs, budget) === tally.until ?',
    replace: 'tally.until > 0 ?',
    spends: true,
  },
  {
    name: 'runs what is billed by the run again for nothing',
    file: 'packages/supervisor/src/processes/turn-runner.ts',
    find: 'for (const { key, price } of runs)',
    replace: 'for (const { key, price } of runs.slice(runs.length))',
    spends: true,
  },
]
