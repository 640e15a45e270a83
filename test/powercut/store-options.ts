/** The store that is cut and the store that opens the images: the same. */
import type { PeerId } from '../../lib/model/ids.js'

/** Little history is kept, so that purging takes its part. */
export const STORE = { ensemble: 'powercut', peer: 1 as PeerId, logBytesKept: 200_000, packBytes: 20_000 } as const
