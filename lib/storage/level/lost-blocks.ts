/**
 * A damaged block of a table of log/ in which there can be nothing but history that the tree does without: it is blanked, in its place, so that LevelDB
 * can read the table, and the scan of the log finds that groups are missing (log-scan.ts) and lets that history go. Any other damaged block is damage.
 *
 * Always holds: all keys of the block are those of groups up to the checkpoint, and another such group comes after it, so that none of them has
 * an entry behind the checkpoint. Blanked is all or nothing; when that breaks off, the block is damaged still, and the next start does it again.
 * Before: data-directory.ts. docs/format.md "LevelDB's own files".
 */
import { open } from 'node:fs/promises'
import type { CheckpointRecord } from './checkpoint-record.js'
import { groupKey, LABEL_KEY } from './keys.js'
import type { DamagedFile } from './table-check.js'
import { blankBlock, type DamagedBlock } from './table-file.js'

/** True when nothing of `damaged`, which is of log/, is damaged any more. */
export async function blankHistory(
  damaged: readonly DamagedFile[],
  { generation, zxid }: Pick<CheckpointRecord, 'generation' | 'zxid'>,
): Promise<boolean> {
  const upTo = groupKey(generation, zxid)
  const writes = damaged.flatMap(({ file, blocks }) =>
    (blocks ?? [undefined]).map(block => ({
      file,
      offset: block?.offset ?? 0,
      bytes: block !== undefined && isHistory(block, upTo) ? blankBlock(block) : undefined,
    })),
  )
  if (writes.some(({ bytes }) => bytes === undefined)) return false
  for (const { file, offset, bytes } of writes) {
    const handle = await open(file, 'r+')
    try {
      await handle.write(bytes!, 0, bytes!.length, offset)
      await handle.sync()
    } finally {
      await handle.close()
    }
  }
  return true
}

/** Other keys than those of groups come before the label, which comes before any group: the block before has it. */
function isHistory({ before, own, next }: DamagedBlock, upTo: Buffer): boolean {
  if (before === undefined || next === undefined) return false
  return (
    Buffer.compare(userKey(before), LABEL_KEY) > 0 && [own, next].every(key => Buffer.compare(userKey(key), upTo) <= 0)
  )
}

/** Without LevelDB's sequence number and type. */
function userKey(key: Uint8Array): Uint8Array {
  return key.subarray(0, Math.max(0, key.length - 8))
}
