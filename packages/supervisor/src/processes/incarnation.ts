import {
  type CoreMessage,
  errorBody,
  type Guest,
  type GuestMessage,
  limits,
  personKinds,
  slowKinds,
  VigilError,
  waitingKinds,
} from '@vigil/protocol'
import type { GateReply, GateWait } from '../gate/flight.ts'
import { begins } from '../gate/guest-work.ts'
import { clashingTool } from '../gate/tools/builtins.ts'
import { sharesCell } from '../isolation/tier.ts'
import { paidRuns } from '../ledger/repeated-runs.ts'
import { guestSpec, parseGuestMessage, turnMessage } from './guest-words.ts'
import type { Incarnation, IncarnationListener, IncarnationParts } from './incarnation-surface.ts'
import { lifeLanes } from './life-lanes.ts'
import { type RunningTurn, runningTurn } from './running-turn.ts'
import { staleKeys, stateConflict, stateDiff } from './state-commit.ts'
import { stateNews } from './state-news.ts'

type Call = Extract<GuestMessage, { t: 'call' }>

export function beginLife(parts: IncarnationParts, listener: IncarnationListener): Incarnation {
  const { process, clock, gate } = parts
  const { manifest } = process
  const running = new Map<string, RunningTurn>()
  let held: Call[] | undefined
  let pid: number | undefined
  let ready = false
  let progressed = false
  let dead = false
  let openCalls = 0
  const news = stateNews(process)

  const spec = guestSpec(parts)
  const guest: Guest = parts.cells.launch(spec, {
    started: (facts) => {
      pid = facts.pid
    },
    message: (text) => {
      if (!dead) hear(text)
    },
    exited: (cause) => {
      dead = true
      for (const turn of running.values()) turn.end()
      lanes.end(running.keys())
      listener.exited(cause)
    },
  })

  const say = (message: CoreMessage): void => guest.post(JSON.stringify(message))
  const accuse = (message: string): void => guest.kill({ kind: 'error', message })
  const lanes = lifeLanes({ ...parts, guest, canLend: spec.lends === true, say, running, flooded: accuse })

  const hear = (text: string): void => {
    const message = parseGuestMessage(text)
    if (message === undefined) {
      accuse(`the guest sent what is no message: ${text.slice(0, 200)}`)
      return
    }
    switch (message.t) {
      case 'ready': {
        const { tools = [] } = message
        const clash = clashingTool(manifest, tools)
        if (clash !== undefined) return guest.kill({ kind: 'error', message: clash })
        ready = true
        listener.ready(tools)
        return
      }
      case 'unready':
        guest.kill({
          kind: 'error',
          message: message.error.message,
          ...(message.error.stack === undefined ? {} : { stack: message.error.stack }),
        })
        return
      case 'log':
        listener.log(message)
        return
      case 'call':
        hearCall(message)
        return
      case 'cancelled':
        hearCancelled(message.turn)
        return
      case 'completed':
      case 'threw':
        hearEnd(message)
        return
      default:
        lanes.hear(message)
    }
  }

  const hearCall = (call: Call): void => {
    const turn = running.get(call.turn)
    // A turn that core has ended may still have code running: its calls come to nothing.
    if (turn === undefined) return refuse(call)
    openCalls += 1
    if (openCalls > limits.guestCredits) {
      accuse(`the guest has more than ${limits.guestCredits} calls open`)
      return
    }
    turn.called()
    if (held !== undefined) held.push(call)
    else perform(call, turn)
    listener.moved()
  }

  const perform = (call: Call, turn: RunningTurn): void => {
    const request = { process: process.name, turn: call.turn, key: call.key, kind: call.kind, input: call.input }
    const waits = waitingKinds.has(call.kind)
    if (personKinds.has(call.kind)) turn.asking.set(call.key, call)
    if (begins(process, call) === 'once') turn.begun.add(call.key)
    turn.taken(waits)
    const hear = (reply: GateReply | GateWait): void =>
      'over' in reply ? askPeople(call, turn, reply.over) : answer(call, turn, reply)
    // Whoever waits must not hold a credit that others need.
    if (waits || slowKinds.has(call.kind)) return void gate.call(request).then(hear)
    parts.credits.acquire(process.name, () => {
      void gate.call(request).then((reply) => {
        parts.credits.release()
        hear(reply)
      })
    })
  }

  /** Nothing of the call is done, and this life or a later one makes it again when they have spoken. */
  const askPeople = (call: Call, turn: RunningTurn, over: Promise<void>): void => {
    if (dead) return
    if (running.get(call.turn) !== turn) {
      openCalls -= 1
      return refuse(call)
    }
    turn.asks(call)
    listener.moved()
    void over.then(() => {
      if (dead || !turn.heard(call)) return
      if (held === undefined) perform(call, turn)
      else held.push(call)
      listener.moved()
    })
  }

  const answer = (call: Call, turn: RunningTurn, { at, outcome, parked }: GateReply): void => {
    // The guest has let go of it, and of its turn.
    if (personKinds.has(call.kind) && !turn.asking.delete(call.key)) return
    openCalls -= 1
    turn.answered(waitingKinds.has(call.kind))
    progressed = true
    if (dead) return
    const { id } = call
    if (begins(process, call) === undefined || !outcome.ok) turn.begun.delete(call.key)
    if (parked === true) {
      if (running.get(call.turn) === turn) giveUp(call.turn, 'a person has to say what came of it')
      return listener.parked()
    }
    // That the turn has a channel is on record; the channel itself is of this life.
    const opens = call.kind === 'channel' && outcome.ok && running.get(call.turn) === turn
    if (opens) turn.listen()
    const told = opens ? lanes.openChannel(call.turn, call.input) : outcome
    if (told.ok) say({ t: 'reply', id, at, ok: true, value: told.value })
    else say({ t: 'reply', id, at, ok: false, error: told.error })
    listener.moved()
  }

  const refuse = (call: Call): void => {
    const error = errorBody(new VigilError('ABORTED', `turn ${call.turn} is not open`))
    say({ t: 'reply', id: call.id, at: new Date(clock.now()).toISOString(), ok: false, error })
  }

  const hearEnd = (message: Extract<GuestMessage, { t: 'completed' | 'threw' }>): void => {
    const turn = running.get(message.turn)
    if (turn === undefined) return
    const stale = message.t === 'completed' ? staleKeys(process, message, turn) : undefined
    if (stale !== undefined && turn.rounds < limits.stateRounds) {
      turn.rounds += 1
      for (const [key, value] of stale) turn.seen.set(key, value)
      return say({ t: 'reapply', turn: message.turn, ...stateDiff(stale) })
    }
    forget(message.turn, turn)
    if (stale !== undefined) {
      say({ t: 'settled', turn: message.turn })
      const error = stateConflict(stale.keys(), turn.rounds)
      listener.threw(message.turn, { error, unasked: message.unasked, crashed: turn.crashed })
      return listener.moved()
    }
    progressed ||= message.t === 'completed'
    if (message.t === 'completed') listener.completed(message.turn, { ...message, crashed: turn.crashed })
    else listener.threw(message.turn, { ...message, crashed: turn.crashed })
    if (message.t === 'completed' && message.writes.updated !== undefined) say({ t: 'settled', turn: message.turn })
    listener.moved()
  }

  const forget = (id: string, turn: RunningTurn): void => {
    turn.end()
    lanes.close(id)
    running.delete(id)
    for (const call of turn.asking.values()) {
      openCalls -= 1
      refuse(call)
    }
    turn.asking.clear()
    if (held !== undefined) {
      const dropped = held.filter((call) => call.turn === id)
      openCalls -= dropped.length
      held = held.filter((call) => call.turn !== id)
      dropped.forEach(refuse)
    }
  }

  const giveUp = (id: string, reason: string): void => {
    const turn = running.get(id)
    if (turn === undefined) return
    say({ t: 'cancel', turn: id, reason })
    forget(id, turn)
    listener.moved()
  }

  /** The attempt is over when the guest says so; one whose loop does not turn cannot, and dies of it. */
  const expire = (id: string, turn: RunningTurn): void => {
    say({ t: 'cancel', turn: id, reason: 'max_turn' })
    const silent_ms = manifest.heartbeatTimeoutMs
    turn.expire(silent_ms, () => guest.kill({ kind: 'heartbeat_lost', silent_ms }))
  }

  const hearCancelled = (id: string): void => {
    const turn = running.get(id)
    if (turn?.isExpired !== true) return
    forget(id, turn)
    const message = `the turn ran longer than max_turn, ${manifest.maxTurnMs} ms`
    listener.threw(id, { error: { name: 'VigilError', code: 'TURN_TIMEOUT', message }, unasked: [], crashed: false })
    listener.moved()
  }

  return {
    epoch: process.epoch,
    bundle: parts.module.hash,
    get pid() {
      return pid
    },
    get vitals() {
      return guest.vitals
    },
    get ready() {
      return ready && !dead
    },
    isQuarantined: parts.alone && sharesCell(manifest),
    get running() {
      return new Set(running.keys())
    },
    ranMs: (turn) => running.get(turn)?.ranMs ?? 0,
    get progressed() {
      return progressed
    },
    startedAtMs: clock.monotonic(),
    begin(turn, event, { crashed, when }) {
      const self = runningTurn({
        clock,
        crashed,
        isHeld: held !== undefined,
        limitMs: manifest.maxTurnMs,
        ranMs: turn.ranMs,
        expired: () => expire(turn.turn, self),
        // It goes on from the record when a person has spoken: in the guest no rejection and no `finally` runs for it.
        lulled() {
          if (dead || self.isExpired || running.get(turn.turn) !== self) return
          say({ t: 'release', turn: turn.turn })
          listener.ran(turn.turn, self.ranMs)
          forget(turn.turn, self)
          listener.released(turn.turn)
          listener.moved()
        },
        passed: (ms) => listener.ran(turn.turn, ms),
      })
      running.set(turn.turn, self)
      for (const { key } of paidRuns(process, turn)) self.begun.add(key)
      const tell = (): void => {
        if (!dead && running.get(turn.turn) === self)
          say(turnMessage(process, { turn, event, state: news.next(), crashed }))
      }
      if (when === undefined) tell()
      // What is not on the disk is not begun: the journal has stopped, and all of ring 0 with it.
      else when.then(tell, () => undefined)
    },
    cancel: giveUp,
    hold() {
      held ??= []
      lanes.hold(true)
      for (const turn of running.values()) turn.hold(true)
    },
    release() {
      const waiting = held ?? []
      held = undefined
      lanes.hold(false)
      for (const turn of running.values()) turn.hold(false)
      for (const call of waiting) {
        const turn = running.get(call.turn)
        if (turn !== undefined) perform(call, turn)
      }
    },
    atBoundary() {
      if (gate.busy(process.name) > 0) return false
      return [...running].every(([id, turn]) => held?.some((call) => call.turn === id) === true || turn.isWaiting)
    },
    get waitsFor() {
      if (running.size === 0 || ![...running.values()].every(mayBeReplayed)) return undefined
      return running.values().some(({ asking }) => asking.size > 0) ? 'people' : 'ring0'
    },
    stateChanged: news.changed,
    stop: (graceMs) => guest.stop(graceMs),
    kill: (cause) => guest.kill(cause),
  }
}

/** It waits for ring 0, and another guest could take it from there without a doubt. */
const mayBeReplayed = ({ open, listens, begun }: RunningTurn): boolean => open > 0 && !listens && begun.size === 0
