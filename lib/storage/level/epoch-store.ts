/** The two epochs: one small record in log/, replaced by one synced put (Z3, D5). Zab must never find them older than it left them. */
import { ZooKeeperError } from '../../model/errors.js'
import type { Epochs } from '../../model/history.js'
import { wrongWithEpochs } from '../log-judge.js'
import { type Database, type Operation, putSynced, WHAT_TO_DO } from './database.js'
import { reasonOf } from './fail-stop.js'
import { decodeWords, encodeWords, wordsLength } from './fixed-record.js'
import { EPOCHS_KEY } from './keys.js'

const VERSION = 1
/** The third word, if there is one. */
const ORIGIN = 1

export function epochsRecord({ accepted, current, origin }: Epochs): Operation & { readonly type: 'put' } {
  const words = [accepted, current, ...(origin ? [ORIGIN] : [])]
  return { type: 'put', key: EPOCHS_KEY, value: encodeWords(VERSION, words) }
}

export async function saveEpochs(log: Database, epochs: Epochs): Promise<void> {
  const { key, value } = epochsRecord(epochs)
  await putSynced(log, key, value)
}

/** As they stand there. */
export async function readEpochs(log: Database, what: string): Promise<Epochs> {
  const bytes = await log.get(EPOCHS_KEY)
  const count = bytes?.length === wordsLength(3) ? 3 : 2
  const [accepted, current, origin] = decodeWords(bytes, VERSION, count, what) as [number, number, number?]
  if (origin !== undefined && (origin !== ORIGIN || current !== 0))
    throw new ZooKeeperError('DATA_CORRUPT', `${what} has a third word ${origin}, with current ${current}`)
  return { accepted, current, ...(origin === undefined ? {} : { origin: true }) }
}

/** `marked`: what the durable mark has seen. LevelDB can lose a put without a word, and an older epoch would vote twice. */
export async function loadEpochs(log: Database, marked: Epochs): Promise<Epochs> {
  const what = `${log.location}: the record of the epochs`
  try {
    const found = await readEpochs(log, what)
    const wrong = wrongWithEpochs(found, marked)
    if (wrong === undefined) return found
    throw new ZooKeeperError('DATA_CORRUPT', `${what} ${wrong}`)
  } catch (error) {
    if (!(error instanceof ZooKeeperError) || error.code !== 'DATA_CORRUPT') throw error
    throw new ZooKeeperError('DATA_CORRUPT', `${reasonOf(error)}. ${WHAT_TO_DO}`, { cause: error })
  }
}
