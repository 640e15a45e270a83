/** Bugs in what is said around NEWLEADER, each as it was where its story was first told; the random runs have their own (../mutants). */
import type { Effect } from '../../../lib/core/effect.js'
import type { PeerCore } from '../../../lib/core/peer.js'
import { History } from '../../../lib/core/zab/history.js'
import { Learner } from '../../../lib/core/zab/learner.js'
import type { LinkId, OperationNumber } from '../../../lib/model/ids.js'
import type { Proposal } from '../../../lib/model/proposal.js'
import { isAfter } from '../../../lib/model/zxid.js'
import { DiskContent } from '../../../lib/testing/disk-content.js'
import { changeEffects, replaceMethod } from '../mutants/mutant.js'
import type { Bug } from './played.js'

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
