/**
 * The recorded process: does the steps of a plan with a real store and writes to a file of its own when each is begun and when its promise
 * has resolved. That file is in the recording too, so every acknowledgement has its place among the file operations.
 * Arguments: the plan (JSON), the data directory, the file of acknowledgements.
 */
import { openSync, readFileSync, writeSync } from 'node:fs'
import { SnapshotChunkWriter } from '../../lib/codec/snapshot-chunk.js'
import { encodeZnode } from '../../lib/codec/tree-codec.js'
import { ZooKeeperError } from '../../lib/model/errors.js'
import { LevelStorage } from '../../lib/storage/level/level-storage.js'
import { digestOf, znode } from '../compliance/storage-fixtures.js'
import { type PlantedBug, plant } from './planted.js'
import { STORE } from './store-options.js'
import { changesOf, installedNodes, proposalsOf, type Step, type Turn } from './world.js'

export interface WorkloadPlan {
  readonly turns: readonly Turn[]
  readonly writeBufferBytes: number
  readonly planted: PlantedBug | undefined
}

const [planFile, dataDir, ackFile] = process.argv.slice(2) as [string, string, string]
const { turns, writeBufferBytes, planted } = JSON.parse(readFileSync(planFile, 'utf8')) as WorkloadPlan
if (planted !== undefined) plant(planted)
const acks = openSync(ackFile, 'w')
const say = (line: string) => writeSync(acks, `${line}\n`)

let storage = await opened()
for (const [turn, steps] of turns.entries()) {
  await Promise.all(
    steps.map(async (step, at) => {
      say(`begun ${turn} ${at}`)
      await perform(step)
      say(`done ${turn} ${at}`)
    }),
  )
}
await storage.close()

async function opened(): Promise<LevelStorage> {
  const store = new LevelStorage({ dataDir, ...STORE, writeBufferBytes })
  // The round may begin with a repair that was cut.
  await store.open().catch(damage => store.beginRepair(damage))
  return store
}

async function perform(step: Step): Promise<void> {
  if (step.kind === 'append') await storage.append(proposalsOf(step))
  else if (step.kind === 'epochs') await storage.saveEpochs(step)
  else if (step.kind === 'truncate') await storage.truncate(step.after)
  else if (step.kind === 'checkpoint') await storage.checkpoint(changesOf(step))
  else if (step.kind === 'rest') await new Promise(resolve => setTimeout(resolve, step.ms))
  else if (step.kind === 'beginRepair') await storage.beginRepair(new ZooKeeperError('DATA_CORRUPT', 'it is not whole'))
  else if (step.kind === 'endRepair') await storage.endRepair()
  else if (step.kind === 'reopen') {
    await storage.close()
    storage = await opened()
  } else await install(step)
}

async function install(step: Extract<Step, { kind: 'install' }>): Promise<void> {
  const { zxid } = step
  const installer = await storage.installSnapshot({
    zxid,
    time: 1_700_000_000_000 + zxid.counter,
    digest: digestOf(zxid.counter),
  })
  const writer = new SnapshotChunkWriter()
  for (const n of installedNodes(step)) {
    const full = writer.add('node', `/s${n}`, encodeZnode(znode(n, step.bytes)))
    if (full !== undefined) await installer.write(full)
  }
  const rest = writer.end()
  if (rest !== undefined) await installer.write(rest)
  if (step.abort) await installer.abort()
  else await installer.finish()
}
