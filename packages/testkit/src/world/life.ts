import type {
  CellLauncher,
  Clock,
  FileHandle,
  FileSystem,
  FileWatcher,
  HttpClient,
  LanguageModel,
  Timer,
  ToolServers,
} from '@vigil/protocol'

/**
 * One life of ring 0 in a world. Code cannot be stopped in the middle, so the ports of a life that is over lead
 * nowhere: nothing is written, sent or launched any more, no timer fires, and no answer ever comes.
 */
export interface Life {
  readonly number: number
  readonly over: boolean
  end(): void
  /** Resolves when it is over. */
  readonly ended: Promise<void>
  onEnd(act: () => void): void
}

export function newLife(number: number): Life {
  const acts: (() => void)[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  let over = false
  return {
    number,
    get over() {
      return over
    },
    end() {
      if (over) return
      over = true
      for (const act of acts) act()
      resolve()
    },
    ended: promise,
    onEnd: (act) => void acts.push(act),
  }
}

/** A new one each time: one that is shared would keep all who ever waited for it, and with them every world. */
const nothing = (): Promise<never> => new Promise(() => undefined)

/** The answer, unless the life ended while it was under way. */
async function whileAlive<T>(life: Life, act: () => Promise<T>): Promise<T> {
  if (life.over) return nothing()
  try {
    const answer = await act()
    return life.over ? nothing() : answer
  } catch (error) {
    if (life.over) return nothing()
    throw error
  }
}

export interface LifeClock extends Clock {
  /** Timers that the life has armed and that have not fired. */
  pending(): number
}

export function clockOf(life: Life, clock: Clock): LifeClock {
  const armed = new Set<Timer>()
  life.onEnd(() => {
    for (const timer of armed) timer.cancel()
    armed.clear()
  })
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    setTimer(delayMs, fire) {
      if (life.over) return { cancel: () => undefined }
      const timer = clock.setTimer(delayMs, () => {
        armed.delete(timer)
        fire()
      })
      armed.add(timer)
      return {
        cancel() {
          timer.cancel()
          armed.delete(timer)
        },
      }
    },
    pending: () => armed.size,
  }
}

/** `beforeSync` passes the time that a disk takes. */
export function fileSystemOf(life: Life, fileSystem: FileSystem, beforeSync: () => Promise<void>): FileSystem {
  const alive = <T>(act: () => Promise<T>): Promise<T> => whileAlive(life, act)
  const handleOf = (handle: FileHandle): FileHandle => ({
    write: (bytes, position) => (life.over ? bytes.byteLength : handle.write(bytes, position)),
    read: (target, position) => alive(() => handle.read(target, position)),
    sync: () =>
      alive(async () => {
        await beforeSync()
        if (!life.over) await handle.sync()
      }),
    truncate: (length) => alive(() => handle.truncate(length)),
    size: () => alive(() => handle.size()),
    close: () => alive(() => handle.close()),
  })
  return {
    open: (path, mode, permissions) => alive(async () => handleOf(await fileSystem.open(path, mode, permissions))),
    openDirectory: (path) => alive(() => fileSystem.openDirectory(path)),
    readFile: (path) => alive(() => fileSystem.readFile(path)),
    readDirectory: (path) => alive(() => fileSystem.readDirectory(path)),
    stat: (path) => alive(() => fileSystem.stat(path)),
    makeDirectory: (path) => alive(() => fileSystem.makeDirectory(path)),
    rename: (from, to) => alive(() => fileSystem.rename(from, to)),
    remove: (path) => alive(() => fileSystem.remove(path)),
    syncDirectory: (path) => alive(() => fileSystem.syncDirectory(path)),
    realPath: (path) => alive(() => fileSystem.realPath(path)),
  }
}

export const httpOf = (life: Life, http: HttpClient): HttpClient => ({
  send: (request, signal) => whileAlive(life, () => http.send(request, signal)),
  close: () => Promise.resolve(),
})

/** A server that a dead ring 0 had started ends with it, sooner or later. */
export const serversOf = (life: Life, servers: ToolServers): ToolServers => ({
  connect(of, address, listener) {
    const connection = servers.connect(of, address, {
      ready: (tools) => (life.over ? undefined : listener.ready(tools)),
      output: (text) => (life.over ? undefined : listener.output(text)),
      ended: (reason) => (life.over ? undefined : listener.ended(reason)),
    })
    life.onEnd(() => void connection.close())
    return {
      call: (tool, input, signal) => whileAlive(life, () => connection.call(tool, input, signal)),
      close: () => whileAlive(life, () => connection.close()),
    }
  },
  close: () => Promise.resolve(),
})

export const modelsOf = (life: Life, models: LanguageModel): LanguageModel => ({
  generate: (call, signal) => whileAlive(life, () => models.generate(call, signal)),
  embed: (call, signal) => whileAlive(life, () => models.embed(call, signal)),
})

export const watcherOf = (life: Life, watcher: FileWatcher): FileWatcher => ({
  scan: (spec) => whileAlive(life, () => watcher.scan(spec)),
  watch: (spec, changed, failed) =>
    whileAlive(life, async () => {
      const watch = await watcher.watch(
        spec,
        (change) => (life.over ? undefined : changed(change)),
        (error) => (life.over ? undefined : failed(error)),
      )
      life.onEnd(() => void watch.close())
      return watch
    }),
})

/** Cells outlive ring 0 until `endOrphans` of the next life finds them; what they say reaches nobody. */
export const cellsOf = (life: Life, cells: CellLauncher): CellLauncher => ({
  launch(spec, listener) {
    if (life.over)
      return {
        vitals: undefined,
        post: () => undefined,
        lend: () => undefined,
        takeBack: () => undefined,
        stop: () => undefined,
        kill: () => undefined,
      }
    return cells.launch(spec, {
      started: (facts) => (life.over ? undefined : listener.started(facts)),
      message: (text) => (life.over ? undefined : listener.message(text)),
      exited: (cause) => (life.over ? undefined : listener.exited(cause)),
    })
  },
  endOrphans: () => whileAlive(life, () => cells.endOrphans()),
  close: () => whileAlive(life, () => cells.close()),
})
