import type { JournalRecord } from '@vigil/protocol'
import type { Results } from '../delivery/results.ts'
import { fetchEffect } from '../gate/effects/fetch.ts'
import { fileEffects } from '../gate/effects/files.ts'
import { messageEffects } from '../gate/effects/messages.ts'
import { monitors } from '../gate/effects/monitor.ts'
import { requests } from '../gate/effects/request.ts'
import { serverToolEffect } from '../gate/effects/server-tool.ts'
import { createGate, type Gate } from '../gate/gate.ts'
import { toolDecider } from '../gate/tools/tool-decider.ts'
import { ledgerDecider } from '../ledger/ledger.ts'
import type { NoticeTarget } from '../manifests/manifest.ts'
import { embedding } from '../memory/embedding.ts'
import { memoryEffects } from '../memory/memory-effects.ts'
import { type MemoryIndexes, memoryIndexes } from '../memory/memory-indexes.ts'
import type { ModelCatalog } from '../models/catalog.ts'
import { embedEffect } from '../models/embed.ts'
import { generateEffect } from '../models/generate.ts'
import { modelDecider } from '../models/model-decider.ts'
import { people } from '../requests/people.ts'
import { type Servers, toolServers } from '../servers/servers.ts'
import type { SupervisorEvents } from '../surface.ts'
import type { LiveRedaction } from '../vault/live-redaction.ts'
import type { Secrets } from '../vault/secrets.ts'
import type { RuntimePorts } from './ports.ts'
import type { RecordLog } from './record-log.ts'

/** The gate of a runtime with all that it can do, and those behind it who have to hear of every record. */
export interface SystemCalls {
  readonly gate: Gate
  readonly memoryIndexes: MemoryIndexes
  readonly servers: Servers
  heard(record: JournalRecord): void
  close(): void
}

export interface SystemCallsParts {
  readonly ports: RuntimePorts
  readonly log: RecordLog
  readonly dataDirectory: string | undefined
  readonly secrets: Secrets
  readonly catalog: ModelCatalog
  readonly results: Results
  readonly redaction: LiveRedaction
  /** Where people are told, if a manifest does not say. */
  readonly notify: NoticeTarget | undefined
  readonly tell: SupervisorEvents['log']
  readonly pump: (process: string) => void
  readonly lookAtClock: () => void
}

export function systemCalls(parts: SystemCallsParts): SystemCalls {
  const { ports, log, dataDirectory, secrets, catalog, results, redaction, notify, tell, pump, lookAtClock } = parts
  const { clock, random, http, models, fileSystem } = ports
  const { world, journal } = log
  const watches = monitors(world, journal)
  const asked = requests({ world, clock, random, results })
  const asks = people({
    ...{ log, clock, random, http, secrets: secrets.hooks, notify },
    expired: pump,
    lost: (process, message) => tell({ process, level: 'error', message }),
  })
  const indexes = memoryIndexes(clock)
  const vectors = embedding({ world, clock, call: (request) => gate.call(request) })
  const memory = memoryEffects({ world, clock, indexes, vectors })
  const servers = toolServers({
    ...{ log, clock, random, vault: secrets.vault, port: ports.toolServers },
    tell: (process, level, message) => tell({ process, level, message }),
  })
  const gate: Gate = createGate({
    log,
    isClean: (text) => redaction.text(text) === text,
    clock,
    effects: {
      outside: {
        'model.generate': generateEffect({ catalog, models }),
        'model.embed': embedEffect({ catalog, models, beside: vectors.beside }),
        fetch: fetchEffect({ http, vault: secrets.vault, log }),
        ...fileEffects(fileSystem, dataDirectory),
        'server.tool': serverToolEffect({ servers, clock }),
      },
      inside: { ...messageEffects({ world, clock, random }), ...memory.inside },
      reads: memory.reads,
      waiting: { monitor: watches.effect, request: asked.effect, approve: asks.approve, ask_human: asks.ask_human },
    },
    // The ledger is the last: by then it is known what a call may cost.
    deciders: [
      toolDecider,
      modelDecider(catalog, world),
      asks.decider,
      ledgerDecider({ world, clock, lookAtClock, askMore: asks.askMore }),
    ],
  })
  return {
    gate,
    memoryIndexes: indexes,
    servers,
    heard(record) {
      servers.heard(record)
      watches.heard(record)
      asked.heard(record)
      asks.heard(record)
    },
    close: asks.close,
  }
}
