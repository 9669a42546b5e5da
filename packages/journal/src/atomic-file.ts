import { dirname } from 'node:path'
import type { FileHandle, FileSystem } from '@vigil/protocol'

/** Writes all of `bytes`; the system may take them in pieces. */
export function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    const taken = handle.write(bytes.subarray(done), position + done)
    if (taken <= 0) throw Object.assign(new Error('the system took no bytes of a write'), { code: 'EIO' })
    done += taken
  }
}

/** Replaces a file so that a crash leaves the old or the new one, never a part: tmp, sync, rename, folder sync. */
export async function writeFileAtomically(fileSystem: FileSystem, path: string, bytes: Uint8Array, permissions = 0o644): Promise<void> {
  const temporary = `${path}.tmp`
  const handle = await fileSystem.open(temporary, 'write', permissions)
  try {
    await handle.truncate(0)
    writeFully(handle, bytes, 0)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await fileSystem.rename(temporary, path)
  await fileSystem.syncDirectory(dirname(path))
}
