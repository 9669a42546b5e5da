import { nodeFileSystem, openFileStore } from '@vigil/journal'
import { recover, systemClock } from '@vigil/supervisor/internal'

/** `node recovery.ts FOLDER`: prints how many seconds the first recovery of a process takes, from a folder to a world. */
const clock = systemClock()
const began = performance.now()
const journal = await openFileStore({ fileSystem: nodeFileSystem(), clock, directory: process.argv[2] as string })
await recover(journal)
process.stdout.write(String((performance.now() - began) / 1_000))
await journal.close()
clock.close()
