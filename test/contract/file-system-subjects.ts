import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeFileSystem } from '@vigil/journal'
import type { FileSystem } from '@vigil/protocol'
import { simulatedFileSystem } from '@vigil/testkit'

/** A file system with an empty folder of its own. */
export interface Subject {
  readonly fileSystem: FileSystem
  readonly directory: string
  close(): Promise<void>
}

export async function real(): Promise<Subject> {
  const directory = await mkdtemp(join(tmpdir(), 'vigil-fs-'))
  return { fileSystem: nodeFileSystem(), directory, close: () => rm(directory, { recursive: true, force: true }) }
}

export async function simulated(): Promise<Subject> {
  const fileSystem = simulatedFileSystem()
  await fileSystem.makeDirectory('/data')
  await fileSystem.syncDirectory('/')
  return { fileSystem, directory: '/data', close: async () => {} }
}
