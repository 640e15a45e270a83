/** The parts of Zab with an outbox instead of a peer around them: what they ask for is compared literally. */
import type { Effect } from '../../../../lib/core/effect.js'
import { Outbox } from '../../../../lib/core/outbox.js'
import { defaultProtocolOptions } from '../../../../lib/core/protocol-options.js'
import { majority } from '../../../../lib/core/quorum/majority.js'
import { EpochKeeper } from '../../../../lib/core/zab/epochs.js'
import { HandoverPause } from '../../../../lib/core/zab/handover-pause.js'
import { History } from '../../../../lib/core/zab/history.js'
import { Leader } from '../../../../lib/core/zab/leader.js'
import { Learner } from '../../../../lib/core/zab/learner.js'
import type { PeerMessage } from '../../../../lib/core/zab/messages.js'
import { StateMarks } from '../../../../lib/core/zab/state-marks.js'
import type { ZabEvents, ZabPort } from '../../../../lib/core/zab/zab-port.js'
import { EMPTY_DIGEST } from '../../../../lib/model/digest.js'
import type { MemberRole } from '../../../../lib/model/ensemble-config.js'
import type { LinkId, OperationNumber, PeerId, SessionId } from '../../../../lib/model/ids.js'
import type { Proposal } from '../../../../lib/model/proposal.js'
import { ZERO, type Zxid, zxid } from '../../../../lib/model/zxid.js'

export const peer = (id: number): PeerId => id as PeerId
export const link = (id: number): LinkId => id as LinkId

export function proposal(at: Zxid, previous: Zxid): Proposal {
  return {
    zxid: at,
    previous,
    session: '0000000000000001' as SessionId,
    cxid: 1,
    time: 0,
    txn: { kind: 'error', code: 'NO_NODE' },
  }
}

/** A log of one epoch, from 1 to `count`. */
export function logOf(epoch: number, count: number): Proposal[] {
  return Array.from({ length: count }, (_, index) =>
    proposal(zxid(epoch, index + 1), index === 0 ? ZERO : zxid(epoch, index)),
  )
}

const BY = { leader: 3, link: 1 }

export class ZabWorld {
  readonly outbox = new Outbox()
  readonly told: string[] = []
  readonly history: History
  readonly epochs: EpochKeeper
  readonly marks = new StateMarks(4)
  readonly handoverPause = new HandoverPause(defaultProtocolOptions.tickMs)
  readonly port: ZabPort
  readonly events: ZabEvents

  constructor(log: readonly Proposal[] = [], epochs = { accepted: 0, current: 0 }) {
    const { outbox, told } = this
    const ranges = new Map<number, { epoch: number; first: number; last: number }>()
    for (const { zxid: at } of log) {
      ranges.set(at.epoch, { epoch: at.epoch, first: ranges.get(at.epoch)?.first ?? at.counter, last: at.counter })
    }
    this.history = new History({ base: ZERO, ranges: [...ranges.values()] }, ZERO, log)
    this.port = {
      send: outbox.send.bind(outbox),
      append: outbox.append.bind(outbox),
      truncate: outbox.truncate.bind(outbox),
      saveEpochs: outbox.saveEpochs.bind(outbox),
      installSnapshot: outbox.installSnapshot.bind(outbox),
      report: () => {},
      checkpoint: () =>
        outbox.checkpoint({
          zxid: this.history.applied,
          time: 0,
          digest: EMPTY_DIGEST,
          nodes: new Map(),
          sessions: new Map(),
        }),
      sendHistory: (to, after, upTo, as) => outbox.put({ kind: 'sendHistory', link: to, after, upTo, as }),
      sendSnapshot: (to, upTo, as) => outbox.put({ kind: 'sendSnapshot', link: to, upTo, as }),
      disconnect: (to, reason) => outbox.put({ kind: 'disconnect', link: to, reason }),
    }
    this.epochs = new EpochKeeper(this.port, epochs)
    this.events = {
      roleEnded: reason => void told.push(`roleEnded: ${reason}`),
      established: () => void told.push('established'),
      advanced: () => void told.push('advanced'),
      stateReplaced: () => void told.push('stateReplaced'),
      diverged: () => void told.push('diverged'),
      handsOver: () => void told.push('handsOver'),
      forwarded: () => void told.push('forwarded'),
      revalidate: () => void told.push('revalidate'),
      touched: () => {},
      pinged: () => {},
      takeTouches: () => [],
      refused: () => void told.push('refused'),
      synced: () => void told.push('synced'),
      revalidated: () => void told.push('revalidated'),
      fatal: code => void told.push(`fatal: ${code}`),
    }
  }

  learner(role: MemberRole = 'participant', of: { leader: number; link: number; firstStart?: boolean } = BY): Learner {
    const setup = {
      leader: peer(of.leader),
      role,
      port: this.port,
      events: this.events,
      epochs: this.epochs,
      marks: this.marks,
      options: defaultProtocolOptions,
      firstStart: of.firstStart ?? true,
    }
    return new Learner(setup, this.history, link(of.link), 0)
  }

  leader(
    voters: readonly number[] = [1, 2, 3],
    firstStart = true,
    self = 1,
    quorum = majority(voters.map(peer)),
  ): Leader {
    const { port, events, epochs, history, marks } = this
    const { handoverPause } = this
    return new Leader(
      {
        self: peer(self),
        quorum,
        port,
        events,
        epochs,
        history,
        marks,
        handoverPause,
        options: defaultProtocolOptions,
        firstStart,
      },
      0,
    )
  }

  /** It promises, and answers the ping by which the leader makes sure that all promises still hold. */
  promises(leader: Leader, from: number, ackEpoch: Extract<PeerMessage, { kind: 'ackEpoch' }>, ping = 1): void {
    leader.onMessage(peer(from), ackEpoch, 0)
    leader.onMessage(peer(from), { kind: 'pong', number: ping, touched: [] }, 0)
  }

  /** What was asked for since the last time; tells nothing of pings. */
  effects(): Effect[] {
    return this.outbox.take().filter(effect => effect.kind !== 'send' || effect.message.kind !== 'ping')
  }

  /** The messages among it. */
  sent(): [LinkId, PeerMessage][] {
    return this.effects().flatMap(effect => (effect.kind === 'send' ? [[effect.link, effect.message]] : []))
  }
}

export const op = (number: number): OperationNumber => number as OperationNumber
