/**
 * A process to be killed: appends, cuts, checkpoints and saves epochs without end, and says what has been promised. Every znode of a
 * checkpoint has the version of its zxid's counter. Run by kill.test.ts.
 */
import type { PeerId } from '../../../../lib/model/ids.js'
import { compareZxid, zxid } from '../../../../lib/model/zxid.js'
import { LevelStorage } from '../../../../lib/storage/level/level-storage.js'
import { changes, proposals, znode } from '../../../compliance/storage-fixtures.js'

const storage = new LevelStorage({
  dataDir: process.argv[2]!,
  ensemble: 'test',
  peer: 1 as PeerId,
  logBytesKept: 200_000,
})
const { suffix, image, epochs } = await storage.open()
const say = (...words: unknown[]) => process.stdout.write(`${words.join(' ')}\n`)

let last = suffix.at(-1)?.zxid ?? image.zxid
let { accepted } = epochs
say('logged', last.epoch, last.counter)
let checkpointing: Promise<unknown> = Promise.resolve()
for (let turn = 1; ; turn++) {
  const group = proposals(last, 1, 1 + (turn % 40), 300)
  await storage.append(group)
  last = group.at(-1)!.zxid
  say('logged', last.epoch, last.counter)
  if (turn % 7 === 0) {
    const uncertain = proposals(last, 1, 5)
    await storage.append(uncertain)
    await storage.truncate(last)
  }
  if (turn % 5 === 0) {
    accepted++
    await storage.saveEpochs({ accepted, current: accepted - 1 })
    say('accepted', accepted)
  }
  if (turn % 9 === 0) {
    await checkpointing
    const version = last.counter
    const nodes = Array.from({ length: 1300 }, (_, n) => [`/n${n}`, { ...znode(n, 60), version }] as const)
    const at = zxid(last.epoch, version)
    if (compareZxid(at, image.zxid) > 0) {
      checkpointing = storage.checkpoint(changes(at, nodes)).then(() => say('checkpointed', version))
    }
  }
}
