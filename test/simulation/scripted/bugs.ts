/** Bugs in synchronisation that stories are about, each as it was where its story was first told; the random runs have their own (../mutants). */
import type { Effect } from '../../../lib/core/effect.js'
import type { PeerCore } from '../../../lib/core/peer.js'
import { History } from '../../../lib/core/zab/history.js'
import { Leader } from '../../../lib/core/zab/leader.js'
import { LeaderBroadcast } from '../../../lib/core/zab/leader-broadcast.js'
import { LeaderSynchronization } from '../../../lib/core/zab/leader-synchronization.js'
import { Learner } from '../../../lib/core/zab/learner.js'
import { LearnerProgress } from '../../../lib/core/zab/learner-progress.js'
import type { HistorySummary } from '../../../lib/model/history.js'
import type { LinkId, OperationNumber } from '../../../lib/model/ids.js'
import type { Proposal } from '../../../lib/model/proposal.js'
import { isAfter } from '../../../lib/model/zxid.js'
import { DiskContent } from '../../../lib/testing/disk-content.js'
import { SimulatedDisk } from '../../../lib/testing/simulated-disk.js'
import { changeEffects, replaceGetter, replaceMethod } from '../mutants/mutant.js'
import { type Bug, mutant } from './played.js'

type Send = Extract<Effect, { readonly kind: 'send' }>

const isSend = (effect: Effect, kind: Send['message']['kind']): boolean =>
  effect.kind === 'send' && effect.message.kind === kind

export const ackOnReceipt: Bug = {
  name: 'NEWLEADER is acknowledged when it is heard',
  rows: ['Z18'],
  plant: () =>
    changeEffects((effects, input) => {
      const rest = effects.filter(each => !isSend(each, 'ackNewLeader'))
      if (input.kind !== 'message' || input.message.kind !== 'newLeader') return rest
      const { epoch } = input.message
      return [...rest, { kind: 'send', link: input.link, message: { kind: 'ackNewLeader', epoch } }]
    }),
}

export const newLeaderFirst: Bug = {
  name: 'NEWLEADER overtakes the entries that it speaks of',
  rows: ['Z18', 'Z25', 'Z19'],
  plant: () =>
    changeEffects(effects => {
      const newLeader = effects.find(each => isSend(each, 'newLeader')) as Send | undefined
      if (newLeader === undefined) return effects
      const first = effects.find(each => isSend(each, 'proposal') && (each as Send).link === newLeader.link) as Send
      if (first?.message.kind !== 'proposal' || newLeader.message.kind !== 'newLeader') return effects
      const message = { ...newLeader.message, zxid: first.message.proposal.previous }
      return effects.flatMap(each =>
        each === first ? [{ ...newLeader, message }, each] : each === newLeader ? [] : [each],
      )
    }),
}

export const epochFirst: Bug = {
  name: 'the epoch is written ahead of the history',
  rows: ['Z18'],
  plant: () =>
    changeEffects((effects, input, core) => {
      if (input.kind !== 'message' || input.message.kind !== 'diff') return effects
      const { epoch } = core.status
      const op = 0 as OperationNumber
      return [...effects, { kind: 'saveEpochs', op, epochs: { accepted: epoch, current: epoch } }]
    }),
}

export const ackBeforeNewLeader: Bug = {
  name: 'what is logged is acknowledged at once, NEWLEADER or not',
  rows: ['Z18'],
  plant: () => {
    const adopting = new WeakMap<PeerCore, LinkId>()
    return changeEffects((effects, input, core) => {
      if (input.kind === 'message' && input.message.kind === 'newLeader') adopting.set(core, input.link)
      if (effects.some(each => isSend(each, 'ackNewLeader'))) adopting.delete(core)
      const link = adopting.get(core)
      if (input.kind !== 'logged' || link === undefined) return effects
      adopting.delete(core)
      return [{ kind: 'send', link, message: { kind: 'ack', zxid: input.zxid } }, ...effects]
    })
  },
}

export const commitToAll: Bug = {
  name: 'a commit goes to everybody who has the proposal',
  rows: ['Z23', 'Z16'],
  plant: () => {
    const proposedTo = new WeakMap<PeerCore, Set<LinkId>>()
    return changeEffects((effects, _input, core) => {
      const links = proposedTo.get(core) ?? new Set<LinkId>()
      proposedTo.set(core, links)
      for (const each of effects) if (isSend(each, 'proposal')) links.add((each as Send).link)
      const commit = effects.find(each => isSend(each, 'commit')) as Send | undefined
      if (commit === undefined) return effects
      const told = new Set(effects.filter(each => isSend(each, 'commit')).map(each => (each as Send).link))
      const others = [...links].filter(link => !told.has(link)).map(link => ({ ...commit, link }))
      return [...effects, ...others]
    })
  },
}

export const appendedBehind: Bug = {
  name: 'new entries are written behind what was cut off',
  rows: ['Z14', 'Z19', 'Z20'],
  plant: () => {
    const undoTruncate = replaceMethod(DiskContent.prototype, 'truncate', () => {
      return function (this: DiskContent) {
        return []
      }
    })
    const undoAppend = replaceMethod(DiskContent.prototype, 'append', () => {
      return function (this: DiskContent, entries) {
        this.entries.push(...entries)
      }
    })
    return () => {
      undoAppend()
      undoTruncate()
    }
  },
}

export const cutForgotten: Bug = {
  name: 'memory has again what TRUNC cut when the link is lost before NEWLEADER',
  rows: ['E6', 'Z14', 'Z19', 'Z22'],
  plant: () => {
    let cut: { readonly history: History; readonly entries: readonly Proposal[] } | undefined
    const undoTruncate = replaceMethod(History.prototype, 'truncate', truncate => {
      return function (this: History, after) {
        cut = { history: this, entries: this.unapplied().filter(each => isAfter(each.zxid, after)) }
        truncate.call(this, after)
      }
    })
    const undoUnlinked = replaceMethod(Learner.prototype, 'onUnlinked', onUnlinked => {
      return function (this: Learner, link) {
        for (const entry of cut?.entries ?? []) cut!.history.append(entry)
        cut = undefined
        onUnlinked.call(this, link)
      }
    })
    return () => {
      undoUnlinked()
      undoTruncate()
    }
  },
}

export const proposesWhileStreaming: Bug = {
  name: 'proposals go also to learners whose history has not been sent yet',
  rows: ['Z14', 'Z25'],
  plant: () =>
    replaceMethod(LearnerProgress.prototype, 'has', has => {
      return function (this: LearnerProgress, stage) {
        return has.call(this, stage === 'streamed' ? 'invited' : stage)
      }
    }),
}

export const plansFromMemory: Bug = {
  name: 'a leader takes what it has in memory for its history when it says what is to be cut',
  rows: ['Z20', 'Z21', 'Z19'],
  plant: () =>
    replaceGetter(History.prototype, 'summary', summary => {
      return function (this: History) {
        const { base } = summary.call(this) as HistorySummary
        const ranges = this.unapplied().map(({ zxid: { epoch, counter } }) => ({
          epoch,
          first: counter,
          last: counter,
        }))
        return { base, ranges }
      }
    }),
}

export const refusesTwice: Bug = {
  name: 'a proposal that came before is taken for a mistake of the leader',
  rows: ['Z23', 'L6'],
  plant: () =>
    replaceMethod(Learner.prototype, 'onMessage', onMessage => {
      const heard = new WeakSet<object>()
      return function (this: Learner, message, now) {
        if (message.kind === 'proposal' && heard.has(message)) this.leave('unexpected proposal from the leader')
        else onMessage.call(this, message, now)
        heard.add(message)
      }
    }),
}

export const installedInMemory: Bug = {
  name: 'a snapshot that is installed is written with the next checkpoint',
  rows: ['D6'],
  plant: () => {
    const unwritten = new WeakMap<DiskContent, () => void>()
    const undoInstall = replaceMethod(DiskContent.prototype, 'install', install => {
      return function (this: DiskContent, image) {
        const { checkpoint, base, entries } = this
        unwritten.set(this, () => Object.assign(this, { checkpoint, base, entries }))
        return install.call(this, image)
      }
    })
    const undoCrash = replaceMethod(SimulatedDisk.prototype, 'crash', crash => {
      return function (this: SimulatedDisk) {
        crash.call(this)
        unwritten.get(this.store.content)?.()
      }
    })
    return () => {
      undoCrash()
      undoInstall()
    }
  },
}

export const droppedAtInitLimit: Bug = {
  name: 'who is not in sync within initLimit is given up, whatever it is doing',
  rows: ['L1', 'L4'],
  plant: () => {
    const since = new WeakMap<LearnerProgress, number>()
    return replaceMethod(Leader.prototype, 'tick', tick => {
      return function (this: Leader, now) {
        for (const learner of [...this.learners.values()]) {
          if (!since.has(learner)) since.set(learner, now)
          if (learner.stage !== 'active' && now - since.get(learner)! > 2000) this.drop(learner, 'it takes too long')
        }
        tick.call(this, now)
      }
    })
  },
}

export const electedAgain: Bug = {
  name: 'a leader gives up at initLimit while it sends its history',
  rows: ['L1'],
  plant: () => replaceGetter(LeaderSynchronization.prototype, 'streaming', () => () => false),
}

export const skippedWhenLate: Bug = {
  name: 'what is committed before it is durable here is never applied',
  rows: ['Z22'],
  plant: () => {
    const skipped = new WeakSet<Proposal>()
    const undoCommit = replaceMethod(History.prototype, 'commit', commit => {
      return function (this: History, zxid) {
        for (const each of this.unapplied())
          if (!isAfter(each.zxid, zxid) && isAfter(each.zxid, this.durable)) skipped.add(each)
        commit.call(this, zxid)
      }
    })
    const undoNext = replaceMethod(History.prototype, 'nextToApply', nextToApply => {
      return function (this: History) {
        let next = nextToApply.call(this)
        for (; next !== undefined && skipped.has(next); next = nextToApply.call(this)) this.markApplied(next)
        return next
      }
    })
    return () => {
      undoNext()
      undoCommit()
    }
  },
}

export const ownVoteAtOnce: Bug = {
  name: 'a leader counts its own log when it has handed a write to it',
  rows: ['Z15'],
  plant: () => {
    const undoDurable = mutant('the end of the log passes for durable').plant()
    const undoPropose = replaceMethod(LeaderBroadcast.prototype, 'propose', propose => {
      return function (this: LeaderBroadcast, place, session, cxid, time, txn) {
        propose.call(this, place, session, cxid, time, txn)
        this.onLogged()
      }
    })
    return () => {
      undoPropose()
      undoDurable()
    }
  },
}
