import { accessSync, constants, statfsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Client, errorCode, exitCodes } from '@vigil/protocol'
import type { Command } from 'commander'
import { type Check, doctorLines, fleetChecks, isWell } from './doctor-checks.ts'
import type { Face, GlobalFlags } from './face.ts'

export interface DoctorParts {
  readonly client: () => Client
  readonly face: Face
  readonly flags: () => GlobalFlags
  readonly ended: (code: number) => void
}

const leastNode = 26
/** Recovery, checkpoints and the ballast need room. */
const leastFreeMb = 200

/** What keeps Vigil, or any of its agents, from running: on this machine, and in a supervisor that answers. */
export function addDoctorVerb(program: Command, { client, face, flags, ended }: DoctorParts): void {
  program
    .command('doctor')
    .description('Says what will not run, and why.')
    .action(async () => {
      const data = resolve(face.cwd, flags().data ?? face.env.VIGIL_DATA ?? '.vigil')
      const checks = [nodeCheck(), ...directoryChecks(data), ...secretChecks(face, data), ...(await fleet(client()))]
      for (const line of flags().json ? [JSON.stringify({ checks })] : doctorLines(checks)) face.print(line)
      if (!isWell(checks)) ended(exitCodes.failed)
    })
}

function nodeCheck(): Check {
  const { node } = process.versions
  const isNew = Number(node.split('.')[0]) >= leastNode
  return { what: 'node', state: isNew ? 'ok' : 'bad', words: isNew ? node : `expected ${leastNode}, found ${node}` }
}

function directoryChecks(path: string): Check[] {
  const place = firstThere(path)
  const isThere = place === path
  try {
    accessSync(place, constants.W_OK)
    if (!statSync(place).isDirectory())
      return [{ what: 'data', state: 'bad', words: `expected a folder, found a file at ${place}` }]
  } catch {
    return [{ what: 'data', state: 'bad', words: `${place} cannot be written` }]
  }
  const { bavail, bsize } = statfsSync(place)
  const freeMb = Math.floor((bavail * bsize) / 1_048_576)
  const words = isThere ? path : `${path} is not there yet: the first start makes it`
  return [
    { what: 'data', state: isThere ? 'ok' : 'note', words },
    { what: 'disk', state: freeMb < leastFreeMb ? 'bad' : 'ok', words: `${freeMb} MB are free` },
  ]
}

function firstThere(path: string): string {
  for (let place = path; ; place = dirname(place))
    try {
      statSync(place)
      return place
    } catch {
      if (place === dirname(place)) return place
    }
}

function secretChecks({ env, read }: Face, data: string): Check[] {
  const hasToken = (env.VIGIL_TOKEN ?? read(`${data}/token`) ?? '') !== ''
  const noKey =
    'none here: secrets that are set over REST end with Vigil, unless it is started with VIGIL_KEY or vault.key_file'
  return [
    hasToken
      ? { what: 'token', state: 'ok', words: 'there' }
      : { what: 'token', state: 'note', words: 'none: the first start writes one' },
    env.VIGIL_KEY
      ? { what: 'vault', state: 'ok', words: 'VIGIL_KEY is set' }
      : { what: 'vault', state: 'note', words: noKey },
  ]
}

async function fleet(client: Client): Promise<Check[]> {
  try {
    const status = await client.runtimeStatus()
    const [{ processes }, models] = await Promise.all([client.processes(), client.models(true)])
    return fleetChecks({ status, processes, models })
  } catch (error) {
    if (errorCode(error) === undefined) throw error
    const words = `${(error as Error).message}: agents and models were not looked at`
    return [{ what: 'supervisor', state: errorCode(error) === 'UNREACHABLE' ? 'note' : 'bad', words }]
  }
}
