import type { ManifestDocument } from './schema.ts'

interface Wrong {
  readonly path: readonly (string | number)[]
  readonly expected: string
  readonly found: string
}

/** Paths that give more than whoever wrote them believes. Links are not looked at here: the gate does that, at each call. */
export const ofFiles = (manifest: ManifestDocument): Wrong[] => [
  ...readableWithinWritable(manifest),
  ...secretsWithin(manifest),
]

/** Whoever says that an agent may only read a folder believes it, and a wider one that it may write in would make it false. */
function readableWithinWritable({ files }: ManifestDocument): Wrong[] {
  const mounts = Object.entries(files)
  return mounts.flatMap(([mount, { path, mode }]) => {
    const wider = mounts.find(([, each]) => each.mode === 'rw' && mode === 'ro' && contains(each.path, path))
    if (wider === undefined) return []
    const expected = `a path outside of ${wider[1].path}, because files.${wider[0]} may be written`
    return [{ path: ['files', mount], expected, found: `${path}, which may only be read` }]
  })
}

/** Vigil keeps secrets from the agent, and a folder that holds one would hand it over. */
function secretsWithin(manifest: ManifestDocument): Wrong[] {
  const secrets = secretFiles(manifest)
  const { files, permissions } = manifest
  const opened = [
    ...Object.entries(files).map(([mount, { path }]) => ({ path: ['files', mount], opens: path })),
    ...permissions.fs_read.map((opens, index) => ({ path: ['permissions', 'fs_read', index], opens })),
    ...permissions.fs_write.map((opens, index) => ({ path: ['permissions', 'fs_write', index], opens })),
  ]
  return opened.flatMap(({ path, opens }) => {
    const secret = secrets.find(({ file }) => contains(opens, file))
    if (secret === undefined) return []
    return [{ path, expected: `a path without the file of ${secret.of}, which the agent may not have`, found: opens }]
  })
}

function secretFiles({ secrets, triggers, approval }: ManifestDocument): { of: string; file: string }[] {
  const references = [
    ...Object.entries(secrets).map(([name, source]) => ({ of: `secrets.${name}`, source })),
    ...triggers.flatMap((trigger, index) =>
      trigger.type === 'webhook'
        ? (trigger.secret ?? []).map((source) => ({ of: `triggers.${index}.secret`, source }))
        : [],
    ),
    { of: 'approval.notify.secret', source: approval?.notify?.secret },
  ]
  return references.flatMap(({ of, source }) =>
    typeof source === 'object' && source.file !== undefined ? [{ of, file: source.file }] : [],
  )
}

/** As far as the words say: both are relative to the same folder, or both absolute. */
function contains(folder: string, path: string): boolean {
  const [outer, inner] = [namesOf(folder), namesOf(path)]
  if ((outer[0] === '') !== (inner[0] === '')) return false
  const up = inner.filter((name) => name === '..').length
  if (outer.every((name) => name === '..') && up < outer.length) return true
  return inner[outer.length] !== '..' && outer.every((name, index) => name === inner[index])
}

/** Absolute paths begin with an empty name. */
function namesOf(path: string): string[] {
  const names: string[] = []
  for (const [index, name] of path.split('/').entries()) {
    const above = names.at(-1)
    if (name === '..' && above === '') continue
    if (name === '..' && above !== undefined && above !== '..') names.pop()
    else if (name !== '.' && (name !== '' || index === 0)) names.push(name)
  }
  return names
}
