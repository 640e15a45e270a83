/**
 * A tree held as values, to and from snapshot chunks. The order is that of every store: znodes by the bytes of their path, then
 * sessions by id, so that one state gives the same chunks everywhere.
 */
import { decodeSnapshotChunk, SnapshotChunkWriter } from '../../codec/snapshot-chunk.js'
import { decodeSession, decodeZnode, encodeSession, encodeZnode, SharedParts } from '../../codec/tree-codec.js'
import type { SessionId } from '../../model/ids.js'
import type { SessionRecord } from '../../model/session-record.js'
import type { Znode } from '../../model/znode.js'

export async function* chunksOf(
  nodes: readonly (readonly [path: string, znode: Znode])[],
  sessions: readonly SessionRecord[],
): AsyncIterable<Uint8Array> {
  const writer = new SnapshotChunkWriter()
  const inOrder = nodes.map(([path, node]) => ({ path, node, bytes: Buffer.from(path) }))
  inOrder.sort((a, b) => Buffer.compare(a.bytes, b.bytes))
  for (const { path, node } of inOrder) {
    const full = writer.add('node', path, encodeZnode(node))
    if (full !== undefined) yield full
  }
  for (const record of [...sessions].sort((a, b) => (a.session < b.session ? -1 : 1))) {
    const full = writer.add('session', record.session, encodeSession(record))
    if (full !== undefined) yield full
  }
  const rest = writer.end()
  if (rest !== undefined) yield rest
}

export class SnapshotReceiver {
  readonly nodes = new Map<string, Znode>()
  readonly sessions = new Map<SessionId, SessionRecord>()
  readonly #acls = new SharedParts()

  /** Throws DATA_CORRUPT or DATA_TOO_NEW. */
  write(chunk: Uint8Array): void {
    for (const { kind, key, value } of decodeSnapshotChunk(chunk)) {
      if (kind === 'node') this.nodes.set(key, decodeZnode(value, this.#acls))
      else this.sessions.set(key as SessionId, decodeSession(value))
    }
  }
}
