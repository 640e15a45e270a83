/**
 * What a data directory holds, in lines. It is opened as a starting peer opens it: the same lock, the same checks, the same refusals, and a torn
 * end of the log that was never promised is cut. So a directory that can be inspected can be started; passwords are not shown.
 *
 * Before: main.ts. After: storage/level.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ZooKeeperError } from '../model/errors.js'
import { CONTAINER_MARK, isMark, type Owner, ttlOf } from '../model/owner.js'
import type { Proposal } from '../model/proposal.js'
import type { StepTxn, Txn } from '../model/txn.js'
import { formatZxid, zxid } from '../model/zxid.js'
import { decodeIdentity } from '../storage/level/identity.js'
import { LevelStorage } from '../storage/level/level-storage.js'

/**
 * @example for await (const line of inspect('./data/1', { log: true })) console.log(line)
 * Throws DATA_DIR_LOCKED, DATA_CORRUPT, DATA_TOO_NEW, STORAGE_FAILED, and BAD_ARGUMENTS where there is no data directory.
 */
export async function* inspect(directory: string, options: { readonly log: boolean }): AsyncGenerator<string> {
  const { ensemble, peer } = await identityOf(directory)
  const storage = new LevelStorage({ dataDir: directory, ensemble, peer })
  const { identity, epochs, image, suffix, history } = await storage.open()
  try {
    yield `peer ${identity.peer} of the ensemble ${JSON.stringify(identity.ensemble)}, incarnation ${identity.incarnation}`
    yield `epochs: accepted ${epochs.accepted}, current ${epochs.current}${epochs.origin ? ', the origin of its ensemble' : ''}`
    const [znodes, sessions] = [[...image.nodes].length, [...image.sessions].length]
    yield `checkpoint: ${formatZxid(image.zxid)}, ${znodes} znodes, ${sessions} sessions`
    yield `log: behind ${formatZxid(history.base)}, ${suffix.length} transactions behind the checkpoint`
    for (const { epoch, first, last } of history.ranges) {
      yield `  epoch ${epoch}: ${formatZxid(zxid(epoch, first))} to ${formatZxid(zxid(epoch, last))}`
    }
    if (!options.log) return
    for await (const batch of storage.readHistory(history.base)) for (const proposal of batch) yield describe(proposal)
  } finally {
    await storage.close()
  }
}

/** Looked at first: opening would make a directory where there is none. */
async function identityOf(directory: string) {
  const file = join(directory, 'identity')
  try {
    return decodeIdentity(await readFile(file), file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new ZooKeeperError(
      'BAD_ARGUMENTS',
      `${directory} is not the data directory of a peer: it has no identity file`,
    )
  }
}

function describe({ zxid, time, session, cxid, txn }: Proposal): string {
  return `${formatZxid(zxid)}  ${new Date(time).toISOString()}  session 0x${session} call ${cxid}  ${describeTxn(txn)}`
}

function describeTxn(txn: Txn | StepTxn): string {
  switch (txn.kind) {
    case 'create':
      return `create ${JSON.stringify(txn.path)} ${sizeOf(txn.data)}${describeOwner(txn.owner)}`
    case 'setData':
      return `set ${JSON.stringify(txn.path)} ${sizeOf(txn.data)}, version ${txn.version}`
    case 'setAcl':
      return `set the ACL of ${JSON.stringify(txn.path)}, version ${txn.version}`
    case 'delete':
      return `delete ${JSON.stringify(txn.path)}`
    case 'check':
      return `check ${JSON.stringify(txn.path)} for version ${txn.version}`
    case 'createSession':
      return `create the session 0x${txn.session}, timeout ${txn.timeoutMs} ms`
    case 'closeSession':
      return `close the session 0x${txn.session}`
    case 'error':
      return `refused: ${txn.code}`
    case 'multi':
      return `multi [${txn.steps.map(describeTxn).join('; ')}]`
  }
}

function describeOwner(owner: Owner | undefined): string {
  if (owner === undefined) return ''
  if (!isMark(owner)) return ', ephemeral'
  return owner === CONTAINER_MARK ? ', container' : `, TTL ${ttlOf(owner)} ms`
}

function sizeOf(data: Uint8Array | null): string {
  return data === null ? 'no data' : `${data.length} bytes`
}
