/** sync: a place in the order and nothing else; the pipeline answers it when everything before it is applied here (C4). */
import type { BarrierOperation } from './operation.js'

export const sync: BarrierOperation = { kind: 'barrier' }
