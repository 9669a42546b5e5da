import { type SecretView, VigilError } from '@vigil/protocol'
import type { Command } from 'commander'
import type { Inputs } from './given.ts'
import { align } from './tables.ts'
import type { VerbParts } from './turn-verbs.ts'

/** The verbs over secrets. No value is ever an argument: those are seen by everybody on the machine. */
export function addSecretVerbs(
  program: Command,
  { client, show, inputs }: VerbParts & { readonly inputs: Pick<Inputs, 'stdin'> },
): void {
  const secrets = program.command('secrets').description('The secrets of a process.')
  secrets
    .command('ls <name>')
    .description('Names, where they lie, versions and last uses; never values.')
    .action(async (name: string) => {
      const view = await client().secrets(name)
      show(view, () => secretTable(view.secrets))
    })
  secrets
    .command('set <name> <key>')
    .description('Takes a new version from stdin, without the line break at its end.')
    .option('--ttl <duration>', 'it is gone after that')
    .action(async (name: string, key: string, { ttl }: { ttl?: string }) => {
      const bytes = new TextEncoder().encode((await inputs.stdin()).replace(/\r?\n$/, ''))
      if (bytes.length === 0) throw new VigilError('INVALID_ARGUMENT', 'expected the secret on stdin, found nothing')
      const view = await client().setSecret(name, key, bytes, ttl)
      show(view, () => [`${key} of ${name} is set, version ${view.version}${keptWords(view)}`])
    })
  secrets
    .command('reveal <name> <key>')
    .description('Shows a secret that Vigil made itself; goes on record.')
    .action(async (name: string, key: string) => {
      const view = await client().revealSecret(name, key)
      show(view, () => [view.value])
    })
  secrets
    .command('revoke <name> [key]')
    .description('Nobody may use it any more, wherever it lies.')
    .option('--all', 'every secret of the process')
    .action(async (name: string, key: string | undefined, { all }: { all?: true }) => {
      if ((key === undefined) !== (all === true))
        throw new VigilError('INVALID_ARGUMENT', 'expected the name of one secret or --all')
      const view = await client().revokeSecrets(name, key)
      show(view, () => view.revoked.map((each) => `${each.name} of ${name} is revoked${leftWords(each)}`))
    })
}

const keptWords = ({ kept }: SecretView): string =>
  kept === 'memory' ? '; it is in memory alone and gone when the supervisor ends' : ', sealed on the disk'

const leftWords = ({ source, where }: Pick<SecretView, 'source' | 'where'>): string =>
  where === undefined ? '' : `; the ${source} ${where} still holds it`

const secretTable = (secrets: readonly SecretView[]): string[] =>
  align([
    ['SECRET', 'FROM', 'VERSION', 'KEPT', 'UNTIL', 'LAST USE', 'NOTE'],
    ...secrets.map((secret) => [
      secret.name,
      secret.where === undefined ? secret.source : `${secret.source} ${secret.where}`,
      secret.version === undefined ? '-' : String(secret.version),
      secret.kept ?? '-',
      secret.expires_at ?? '-',
      secret.last_use === undefined ? 'never' : `${secret.last_use.at} ${secret.last_use.host}`,
      secret.revoked === undefined ? (secret.missing ?? '') : `revoked by ${secret.revoked.by} at ${secret.revoked.at}`,
    ]),
  ])
