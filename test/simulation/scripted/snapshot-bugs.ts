/** Bugs in what a checkpoint holds, and in what is made of one that is missing; the random runs have their own (../mutants). */
import { Replica } from '../../../lib/core/replica.js'
import type { SessionRecord } from '../../../lib/model/session-record.js'
import { sameZxid } from '../../../lib/model/zxid.js'
import { emptyCheckpoint } from '../../../lib/testing/disk-content.js'
import { SimulatedStore } from '../../../lib/testing/simulated-store.js'
import { replaceMethod } from '../mutants/mutant.js'
import type { Bug } from './played.js'

export const treeTakenForEmpty: Bug = {
  name: 'a missing tree is taken for an empty one',
  rows: ['D8', 'Z27'],
  plant: () =>
    replaceMethod(SimulatedStore.prototype, 'open', open => {
      return function (this: SimulatedStore) {
        const { content, flaws } = this
        if (!flaws.missing.delete('tree')) return open.call(this)
        content.checkpoint = { ...emptyCheckpoint(), zxid: content.base }
        const { image, ...recovered } = open.call(this)
        return { ...recovered, image: { ...image, digest: Replica.from(image).digest } }
      }
    }),
}

export const midMulti: Bug = {
  name: 'a checkpoint is taken in the middle of a multi',
  rows: ['C9'],
  plant: () =>
    replaceMethod(Replica.prototype, 'captureChanges', captureChanges => {
      return function (this: Replica) {
        const changes = captureChanges.call(this)
        const last = [...changes.nodes].filter(
          ([, znode]) => znode !== undefined && sameZxid(znode.czxid, changes.zxid),
        )
        const missing = new Set(last.slice(2).map(([path]) => path))
        return { ...changes, nodes: new Map([...changes.nodes].filter(([path]) => !missing.has(path))) }
      }
    }),
}

/** The map is read when it is written. */
export const laterSessions: Bug = {
  name: 'a checkpoint has the sessions of a later moment',
  rows: ['Z27', 'D6', 'D9'],
  plant: () =>
    replaceMethod(Replica.prototype, 'captureChanges', captureChanges => {
      return function (this: Replica) {
        const { sessions: before, ...changes } = captureChanges.call(this)
        const { sessions } = this
        return {
          ...changes,
          get sessions() {
            const after = new Map<SessionRecord['session'], SessionRecord | undefined>(before)
            for (const id of before.keys()) if (!sessions.has(id)) after.set(id, undefined)
            for (const record of sessions.all()) after.set(record.session, record)
            return after
          },
        }
      }
    }),
}
