/**
 * What the leader's side of the requests sees of the leadership and its history: a place for the next txn, the way to propose it, the proof of
 * still leading. One per leadership, made by service.ts when it is established.
 */
import type { Outbox } from './outbox.js'
import type { LeaderDoor } from './pipeline/leader-requests.js'
import type { History } from './zab/history.js'
import type { Leader } from './zab/leader.js'

export function leaderDoor(leader: Leader, history: History, outbox: Outbox): LeaderDoor {
  return {
    nextZxid() {
      const place = leader.nextZxid()
      if (place === undefined) leader.stepDown('the zxids of this epoch are used up')
      return place
    },
    propose: leader.propose.bind(leader),
    report: outbox.report.bind(outbox),
    audit: outbox.audit.bind(outbox),
    proof: leader.proof.bind(leader),
    get confirmedPing() {
      return leader.confirmedPing
    },
    get lastProposed() {
      return history.last
    },
    get committed() {
      return history.committed
    },
  }
}
