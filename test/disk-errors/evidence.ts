/** What a victim says, and the question afterwards: is everything there that was acknowledged, and does the peer work again? */
import { createHash } from 'node:crypto'
import { Peer } from '../../lib/compose.js'

export interface VictimConfig {
  readonly dataDir: string
  /** Names this run: one directory may see several. */
  readonly run: number
  /** Per writer. */
  readonly writes: number
  readonly valueBytes: number
  readonly checkpointLogBytes: number
  /** The store swallows what goes wrong when it appends: the planted bug. */
  readonly plant: boolean
  /** A file with what a victim has said: it is verified, nothing else is done. */
  readonly verify?: string | undefined
}

export interface Acknowledged {
  readonly kind: 'ok'
  readonly path: string
  /** Of a node that is written once: names its value. */
  readonly token: string | undefined
  /** Of a counter: its value, which only rises. */
  readonly count: number | undefined
}

export type VictimLine =
  | Acknowledged
  /** Peer.open rejected. */
  | { readonly kind: 'refused'; readonly message: string }
  /** The peer's status says that it has failed. */
  | { readonly kind: 'failed'; readonly message: string }
  /** A writer's write, or close, rejected. */
  | { readonly kind: 'stopped'; readonly message: string }
  | { readonly kind: 'refusedAfterwards'; readonly message: string }
  /** A violation: a write was acknowledged after the failure. */
  | { readonly kind: 'wentOn' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'verified'; readonly violations: readonly string[] }

export function linesOf(output: string): VictimLine[] {
  return output
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line) as VictimLine)
}

/** Bytes that do not compress, so that they fill a disk and a LevelDB table alike. */
export function bytesOf(token: string, bytes: number): Buffer {
  return createHash('shake256', { outputLength: bytes }).update(token).digest()
}

/** Opens the directory as a peer of its own, now that the disk is well. Says what is missing or false. */
export async function verify(dataDir: string, acknowledged: readonly Acknowledged[]): Promise<string[]> {
  const violations: string[] = []
  let peer: Peer
  try {
    peer = await Peer.open({ id: 1, ensemble: 'disk errors', dataDir, diskFreeBytesMin: 0, tickMs: 100 })
  } catch (error) {
    return [`the restart is refused: ${(error as Error).message}`]
  }
  try {
    await peer.serving({ timeout: 30_000 })
    for (const { path, token, count } of acknowledged) {
      const data = peer.view.get(path)?.data
      if (data === undefined || data === null) {
        if (token !== undefined || count !== 0 || data === undefined)
          violations.push(`lost: ${path} (${count ?? 'create'})`)
      } else if (token !== undefined && !bytesOf(token, data.byteLength).equals(data)) violations.push(`false: ${path}`)
      else if (count !== undefined && Number(Buffer.from(data).toString()) < count) {
        violations.push(`lost: set of ${path} to ${count}, it holds ${Buffer.from(data).toString()}`)
      }
    }
    const client = await peer.client()
    await client.create('/after-the-restart')
    await client.delete('/after-the-restart')
  } catch (error) {
    violations.push(`after the restart: ${(error as Error).message}`)
  } finally {
    await peer.close().catch((error: Error) => violations.push(`the close after the restart: ${error.message}`))
  }
  return violations.slice(0, 10)
}
